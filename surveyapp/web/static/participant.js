/* One question a screen, over the working form that the server sent; see outbox.js for what is kept
   on the phone. All words stand in the page. */
(function () {
  'use strict';
  var root = document.documentElement;
  if (!CheckIn) { return; }

  function questionnaire(form) {
    var say = form.dataset;
    function by(id) { return document.getElementById(id); }
    function all(selector) { return [].slice.call(form.querySelectorAll(selector)); }
    var sets = all('fieldset');
    var handover = document.body.dataset.handover;
    var write = form.elements.w.value;
    var at = 0;
    var sentTo = '';
    var leaving = false;
    var outbox = CheckIn.Outbox(say.visit, function (state, box, next) {
      if (state === 'sent') {
        if (box.visit === say.visit && box.instrument === say.instrument) { leave(next); }
      } else {
        by('saved').textContent = say[state];
      }
    });

    function leave(address) {
      sentTo = address;
      location.replace(address);
    }
    function chosen(set) { return set.querySelector('input:checked'); }
    function firstOpen() {
      for (var i = 0; i < sets.length; i++) { if (!chosen(sets[i])) { return i + 1; } }
      return sets.length + 1;
    }
    function here() {
      var hash = location.hash.slice(1);
      var n = hash === 'review' ? sets.length + 1 : Number(hash.replace('q', ''));
      return n >= 1 && n <= sets.length + 1 && n % 1 === 0 ? n : firstOpen();
    }
    function address(n) { return n > sets.length ? '#review' : '#' + n; }
    function inList() { return (history.state || {}).from === 'list'; }

    function message(text) { by('message').textContent = text || ''; }
    function asking(on) { by('ask').hidden = !on; by('turn').hidden = on; }
    function declined() {
      var input = at <= sets.length && chosen(sets[at - 1]);
      var skipped = input && input.value === 'skip';
      by('skip').hidden = skipped;
      message(skipped ? say.declined : '');
    }
    function line(set, i) {
      var row = document.createElement('li');
      var input = chosen(set);
      var change = document.createElement('button');
      var answer = input ? (input.value === 'skip' ? say.left : input.parentNode.textContent) : say.open;
      [['span', set.querySelector('.q > span').textContent], ['b', answer]].forEach(function (part) {
        row.appendChild(document.createElement(part[0])).textContent = part[1];
      });
      change.type = 'button';
      change.textContent = say.change;
      change.setAttribute('aria-label', say.change + ' ' + (i + 1));
      change.onclick = function () { go(i + 1, 'list'); };
      row.appendChild(change);
      return row;
    }
    function review() {
      var list = form.querySelector('.list');
      list.textContent = '';
      sets.forEach(function (set, i) { list.appendChild(line(set, i)); });
    }
    function show(moved) {
      at = here();
      var last = at > sets.length;
      sets.forEach(function (set, i) { set.classList.toggle('now', i === at - 1); });
      by('review').hidden = !last;
      by('skip').parentNode.hidden = last;
      by('next').hidden = last;
      by('next').textContent = inList() ? say.done : say.next;
      by('back').disabled = at === 1;
      by('help').open = false;
      if (last) { review(); }
      asking(false);
      declined();
      if (moved) {
        (last ? by('review') : sets[at - 1]).querySelector('[tabindex]').focus();
        window.scrollTo(0, 0);
      }
    }
    function go(n, from) {
      // On a shared tablet there is nothing to go back to.
      history[handover ? 'replaceState' : 'pushState']({ from: from || 'turn' }, '', address(n));
      show(true);
    }
    function next() {
      if (leaving || at > sets.length) { return; }
      if (!chosen(sets[at - 1])) { message(say.choose); return; }
      if (!inList()) { go(at + 1); } else if (handover) { go(sets.length + 1); } else { history.back(); }
    }
    function back() {
      if (history.state && !handover) { history.back(); return; }
      history.replaceState(null, '', address(at - 1));
      show(true);
    }
    function keep(input) {
      outbox.put(CheckIn.answerKey(say.visit, say.instrument, input.name.slice(2)), {
        w: write,
        value: input.value === 'skip' ? null : Number(input.value),
        at: Date.now()
      });
    }
    function decline() {
      var input = sets[at - 1].querySelector('.s input');
      input.checked = true;
      keep(input);
      next();
    }
    function waitHere() {
      // Sent without a connection: on to the next part, or say that all of it waits on the phone.
      leaving = true;
      [by('review'), by('turn'), by('skip').parentNode].concat(sets).forEach(function (e) { e.hidden = true; });
      sets.forEach(function (set) { set.classList.remove('now'); });
      message('');
      by('waiting').hidden = false;
      by('waiting').querySelector('[tabindex]').focus();
      window.scrollTo(0, 0);
    }
    function nextPart() {
      var parts = say.parts.split(' ');
      return parts.slice(parts.indexOf(say.instrument) + 1).filter(function (part) {
        return !CheckIn.waits(say.visit, part);
      })[0];
    }
    function goOn() {
      var part = nextPart();
      var page = say.visit + '/' + part;
      if (!part || !window.caches || !navigator.serviceWorker.controller) { waitHere(); return; }
      caches.match(page).then(function (kept) { if (kept) { location.replace(page); } else { waitHere(); } }, waitHere);
    }
    function send() {
      by('send').disabled = true;
      outbox.put(CheckIn.sendKey(say.visit, say.instrument), { w: write, at: Date.now() });
      outbox.sync().then(function () { return outbox.sync(); }).then(function () {
        if (CheckIn.waits(say.visit, say.instrument)) { goOn(); }
      });
    }
    function speak(event) {
      event.preventDefault();
      fetch(location.pathname, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        credentials: 'same-origin',
        body: 'w=' + encodeURIComponent(write) + '&do=' + this.value
      }).then(function (reply) {
        if (!reply.ok) { throw new Error(reply.status); }
        location.reload();
      }).catch(function () { message(say.unsent); });
    }
    function pages() { CheckIn.keepPages(form, function () { return sentTo; }); }
    function idle() {
      var timer;
      function later() {
        clearTimeout(timer);
        timer = setTimeout(function () { document.querySelector('.hand-back').submit(); }, 300000);
      }
      ['pointerdown', 'touchstart', 'keydown', 'scroll'].forEach(function (name) { window.addEventListener(name, later); });
      later();
    }

    CheckIn.boxes('a|' + say.visit + '|' + say.instrument + '|').forEach(function (box) {
      // The page from the server holds what it had then; a kept copy, or an answer that arrived
      // while the page was under way, is newer.
      var value = box.value === null ? 'skip' : box.value;
      var input = (!box.done || 'kept' in root.dataset || box.done > performance.timing.navigationStart) &&
        form.querySelector('input[name="a-' + box.item + '"][value="' + value + '"]');
      if (input) { input.checked = true; }
    });
    form.addEventListener('change', function (event) { declined(); keep(event.target); });
    form.addEventListener('submit', function (event) { event.preventDefault(); next(); });
    by('next').onclick = next;
    by('back').onclick = back;
    by('skip').onclick = function () { asking(true); message(''); by('ask').querySelector('p').focus(); };
    by('no').onclick = function () { asking(false); by('skip').focus(); };
    by('yes').onclick = decline;
    by('send').onclick = send;
    [].forEach.call(document.querySelectorAll('[name=do][value^=speak]'), function (button) { button.onclick = speak; });
    window.addEventListener('popstate', function () { if (!leaving) { show(true); } });
    window.addEventListener('pageshow', function () { if (sentTo) { location.replace(sentTo); } });
    if (address(here()) !== location.hash) { history.replaceState(history.state, '', address(here())); }
    show(false);
    if (CheckIn.waits(say.visit, say.instrument)) { goOn(); }
    if (outbox.any()) { outbox.sync(); }
    if (handover) { idle(); }
    if (document.readyState === 'complete') { pages(); }
    window.addEventListener('load', pages);
  }

  // Any other page delivers what still waits, and shows what came of it: once all of it is through,
  // because a page that is loaded between two parts shows the state between them.
  function other() {
    var outbox;
    var sent = false;
    if (document.body.dataset.visit) { CheckIn.forgetVisit(document.body.dataset.visit); }
    outbox = CheckIn.Outbox('', function (state) {
      if (state === 'sent') { sent = true; } else if (sent) { location.reload(); }
    });
    if (outbox.any()) { outbox.sync(); }
  }

  if (root.classList.contains('questions')) { root.classList.add('on'); }
  document.addEventListener('DOMContentLoaded', function () {
    var form = document.getElementById('form');
    try {
      if (form) { questionnaire(form); } else { other(); }
    } catch (error) {
      root.classList.remove('on');
      throw error;
    }
  });
})();

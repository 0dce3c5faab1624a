/* Takes over the questionnaire: one question a screen, and every tap kept on the phone until the
   server has it. Written in ES5, and only after a feature check, because one token that an old
   phone cannot read would kill the script; the page works without it. Each waiting answer lies in
   localStorage under the address it goes to, with the capability to write it, so it outlives the
   page, the cookie and the battery. All words stand in the page. */
(function () {
  'use strict';
  var root = document.documentElement;
  var PREFIX = 'check-in:';
  if (!window.fetch || !window.Promise || !history.pushState || !root.closest || !root.classList) {
    return;
  }

  function Outbox(address, write, tell) {
    var own = PREFIX + address;
    var spare = {};
    var wait = 1000;
    var running = null;
    var timer;

    function read(key) {
      try { return JSON.parse(spare[key] || localStorage.getItem(key)) || {}; } catch (e) { return {}; }
    }
    function keep(key, box) {
      delete spare[key];
      try {
        if (list(box).length) { localStorage.setItem(key, JSON.stringify(box)); } else { localStorage.removeItem(key); }
      } catch (e) {
        // Storage is full or forbidden: the page itself holds what is not yet sent.
        spare[key] = JSON.stringify(box);
      }
    }
    function waiting() {
      var keys = [own];
      try { keys = keys.concat(Object.keys(localStorage)); } catch (e) { /* forbidden */ }
      return keys.filter(function (key) { return key.indexOf(PREFIX) === 0 && list(read(key)).length; });
    }
    function list(box) {
      return Object.keys(box.answers || {}).map(function (name) { return box.answers[name]; });
    }
    function post(key) {
      var box = read(key);
      var sent = list(box);
      var stop = window.AbortController && new AbortController();
      var late = setTimeout(function () { if (stop) { stop.abort(); } }, 15000);
      return fetch(key.slice(PREFIX.length), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        credentials: 'same-origin',
        signal: stop ? stop.signal : undefined,
        body: JSON.stringify({ w: box.w, sent_at: Date.now(), answers: sent })
      }).then(function (reply) {
        clearTimeout(late);
        var final = [400, 404, 410].indexOf(reply.status) >= 0;
        if (!reply.ok && !final) { throw new Error(reply.status); }
        var rest = read(key);
        sent.forEach(function (answer) {
          var name = answer.instrument + ' ' + answer.item;
          var now = (rest.answers || {})[name];
          if (!now) { return; }
          if (now.at === answer.at && now.value === answer.value) {
            delete rest.answers[name];
          } else {
            // Changed while the older one was slow to arrive: it must not look older than that.
            now.at = Math.max(now.at, Date.now());
          }
        });
        keep(key, rest);
        return final && key === own;
      });
    }
    function drain() {
      var key = waiting()[0];
      if (!key) { wait = 1000; tell('saved'); return Promise.resolve(true); }
      return post(key).then(function (stale) {
        if (stale) { tell('stale'); return false; }
        return drain();
      });
    }
    function sync() {
      clearTimeout(timer);
      if (!running) {
        running = drain().catch(function () {
          tell(spare[own] ? 'loose' : 'kept');
          timer = setTimeout(sync, wait);
          wait = Math.min(wait * 2, 30000);
          return false;
        });
        running.then(function () { running = null; });
      }
      return running;
    }
    window.addEventListener('online', sync);
    document.addEventListener('visibilitychange', function () { if (!document.hidden) { sync(); } });
    return {
      sync: sync,
      any: function () { return waiting().length > 0; },
      mine: function () { return list(read(own)); },
      put: function (answer) {
        var box = read(own);
        box.w = write;
        box.answers = box.answers || {};
        box.answers[answer.instrument + ' ' + answer.item] = answer;
        keep(own, box);
        tell('saving');
        sync();
      }
    };
  }

  function start() {
    var form = document.getElementById('form');
    var say = form.dataset;
    function by(id) { return document.getElementById(id); }
    function all(selector, from) { return [].slice.call((from || form).querySelectorAll(selector)); }
    var sets = all('fieldset');
    var at = 0;
    var sentTo = '';
    var outbox = Outbox(say.answers, form.elements.w.value, function (state) {
      by('saved').textContent = say[state];
    });

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
      history.pushState({ from: from || 'turn' }, '', address(n));
      show(true);
    }
    function next() {
      if (at > sets.length) { return; }
      if (!chosen(sets[at - 1])) { message(say.choose); return; }
      if (inList()) { history.back(); } else { go(at + 1); }
    }
    function back() {
      if (history.state) { history.back(); return; }
      history.replaceState(null, '', address(at - 1));
      show(true);
    }
    function keep(input) {
      outbox.put({
        instrument: say.instrument,
        item: input.name.slice(2),
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
    function send() {
      outbox.sync().then(function (empty) {
        if (!empty) { throw new Error(); }
        return fetch(say.send, {
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          credentials: 'same-origin',
          body: 'w=' + encodeURIComponent(form.elements.w.value)
        });
      }).then(function (reply) {
        if (reply.status >= 500) { throw new Error(); }
        sentTo = reply.url;
        location.replace(sentTo);
      }).catch(function () { by('send').disabled = false; message(say.unsent); });
      by('send').disabled = true;
    }

    outbox.mine().forEach(function (answer) {
      var value = answer.value === null ? 'skip' : answer.value;
      var input = answer.instrument === say.instrument &&
        form.querySelector('input[name="a-' + answer.item + '"][value="' + value + '"]');
      if (input) { input.checked = true; }
    });
    form.addEventListener('change', function (event) { declined(); keep(event.target); });
    form.addEventListener('submit', function (event) { event.preventDefault(); next(); });
    by('next').onclick = next;
    by('back').onclick = back;
    by('skip').onclick = function () { asking(true); by('ask').querySelector('p').focus(); };
    by('no').onclick = function () { asking(false); by('skip').focus(); };
    by('yes').onclick = decline;
    by('send').onclick = send;
    window.addEventListener('popstate', function () { show(true); });
    window.addEventListener('pageshow', function () { if (sentTo) { location.replace(sentTo); } });
    if (outbox.any()) { outbox.sync(); }
    if (address(here()) !== location.hash) { history.replaceState(history.state, '', address(here())); }
    show(false);
  }

  root.classList.add('on');
  document.addEventListener('DOMContentLoaded', function () {
    try { start(); } catch (error) { root.classList.remove('on'); throw error; }
  });
})();

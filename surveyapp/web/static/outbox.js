/* Every tap is kept on the phone at once and delivered as soon as there is a connection. Written in
   ES5, and only after a feature check, because one token that an old phone cannot read would kill
   the script; the pages work without it.

   On the phone lie, in localStorage: an answer under a|VISIT|INSTRUMENT|ITEM (done: when the
   server had it; kept so that the draft can be shown without a connection) and the wish to send under
   s|VISIT|INSTRUMENT. One key each, so that two tabs never write over one another. They carry the
   capability to write, so they outlive the page, the cookie and the battery. Copies of the opened
   pages lie in a cache of the visit. Once the server has confirmed the sending, all of it goes. */
var CheckIn = (function () {
  'use strict';
  var root = document.documentElement;
  var PREFIX = 'check-in:';
  var LONGEST_WAIT = 30000;
  if (!window.fetch || !window.Promise || !history.pushState || !root.closest || !root.classList) {
    return null;
  }

  // localStorage, or the page itself where that is full or forbidden.
  var spare = {};
  var memory = {
    get: function (key) {
      try { return JSON.parse(spare[key] || localStorage.getItem(key)); } catch (e) { return null; }
    },
    put: function (key, box) {
      var text = JSON.stringify(box);
      delete spare[key];
      try { localStorage.setItem(key, text); } catch (e) { spare[key] = text; }
    },
    drop: function (key) {
      delete spare[key];
      try { localStorage.removeItem(key); } catch (e) { /* forbidden */ }
    },
    keys: function (start) {
      var keys = Object.keys(spare);
      try { keys = keys.concat(Object.keys(localStorage)); } catch (e) { /* forbidden */ }
      return keys.filter(function (key) { return key.indexOf(PREFIX + start) === 0; });
    }
  };
  function answerKey(visit, instrument, item) { return PREFIX + ['a', visit, instrument, item].join('|'); }
  function sendKey(visit, instrument) { return PREFIX + ['s', visit, instrument].join('|'); }
  function boxes(start) {
    return memory.keys(start).map(function (key) {
      var parts = key.split('|');
      var box = memory.get(key) || {};
      return { key: key, visit: parts[1], instrument: parts[2], item: parts[3], w: box.w, value: box.value, at: box.at, done: box.done };
    }).filter(function (box) { return box.w; });
  }
  function forget(start) { memory.keys(start).forEach(memory.drop); }
  function cacheOf(visit) { return PREFIX + visit; }
  function forgetVisit(visit) {
    forget('a|' + visit + '|');
    forget('s|' + visit + '|');
    if (window.caches) { caches.delete(cacheOf(visit)).catch(function () { /* gone already */ }); }
  }

  // Only what our own server says counts: a hotel's sign-in page is no receipt.
  function post(address, type, body) {
    var stop = window.AbortController && new AbortController();
    var late = setTimeout(function () { if (stop) { stop.abort(); } }, 15000);
    return fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': type, Accept: 'application/json' },
      credentials: 'same-origin',
      keepalive: true,
      signal: stop ? stop.signal : undefined,
      body: body
    }).then(function (reply) {
      return reply.json().then(function (said) {
        clearTimeout(late);
        if (reply.ok ? !('saved' in said || 'sent' in said) : [400, 404, 410].indexOf(reply.status) < 0 || !said.error) {
          throw new Error(reply.status);
        }
        return { ok: reply.ok, status: reply.status, said: said };
      });
    });
  }

  function Outbox(own, tell) {
    var asked = {};
    var wait = 1000;
    var running = null;
    var stale = false;
    var timer;

    function open(visit) {
      return boxes('a|' + visit + '|').filter(function (box) { return !box.done; });
    }
    function sends(visit) {
      return boxes('s|' + visit + '|').sort(function (a, b) { return a.at - b.at; });
    }
    function busy(visit) { return open(visit).length || sends(visit).length || !asked[visit]; }
    function visits() {
      var seen = {};
      if (own) { seen[own] = 1; }
      boxes('').forEach(function (box) { seen[box.visit] = 1; });
      return Object.keys(seen).filter(function (visit) { return boxes('a|' + visit + '|').length || sends(visit).length; });
    }
    function settle(box, ok) {
      var now = memory.get(box.key);
      if (!now) { return; }
      if (now.at !== box.at || now.value !== box.value) {
        // Changed while the older one was slow to arrive: it must not look older than that.
        now.at = Math.max(now.at, Date.now());
      } else if (ok && !document.body.dataset.handover) {
        now.done = Date.now();
      } else {
        memory.drop(box.key);
        return;
      }
      memory.put(box.key, now);
    }
    function refused(reply, visit) {
      stale = stale || (!reply.ok && visit === own);
      if (stale) { tell('stale'); throw new Error('stale'); }
    }
    function give(visit, w, some) {
      var answers = some.map(function (box) {
        return { instrument: box.instrument, item: box.item, value: box.value, at: box.at };
      });
      var body = JSON.stringify({ w: w, sent_at: Date.now(), answers: answers });
      return post(visit + '/answers', 'application/json', body).then(function (reply) {
        if (reply.status === 400 && some.length > 1) {
          // One of them is not understood; the others must not go down with it.
          return some.reduce(function (before, box) {
            return before.then(function () { return give(visit, w, [box]); });
          }, Promise.resolve());
        }
        some.forEach(function (box) { settle(box, reply.ok); });
        if (reply.status === 404 || (!reply.ok && !some.length)) { forgetVisit(visit); }
        refused(reply, visit);
      });
    }
    function hand(box) {
      var address = box.visit + '/' + box.instrument + '/send';
      var body = 'w=' + encodeURIComponent(box.w);
      return post(address, 'application/x-www-form-urlencoded', body).then(function (reply) {
        memory.drop(box.key);
        if (reply.ok) { forget('a|' + box.visit + '|' + box.instrument + '|'); }
        if (reply.said.done || reply.status === 404) { forgetVisit(box.visit); }
        refused(reply, box.visit);
        tell('sent', box, reply.said.next);
      });
    }
    function step(visit) {
      var some = open(visit);
      var next = sends(visit)[0];
      if (some.length) { return give(visit, some[0].w, some.slice(0, 400)); }
      if (next) { return hand(next); }
      // All arrived, but perhaps it was sent from another phone meanwhile.
      asked[visit] = 1;
      return give(visit, boxes('a|' + visit + '|')[0].w, []);
    }
    function drain() {
      var visit = visits().filter(busy)[0];
      return visit ? step(visit).then(drain) : Promise.resolve(true);
    }
    function sync() {
      clearTimeout(timer);
      if (stale) { return Promise.resolve(false); }
      if (!running) {
        running = drain().then(function () { wait = 1000; tell('saved'); return true; }, function () {
          if (stale) { return false; }
          tell(Object.keys(spare).length ? 'loose' : 'kept');
          timer = setTimeout(sync, wait);
          wait = Math.min(wait * 2, LONGEST_WAIT);
          return false;
        });
        running.then(function () { running = null; });
      }
      return running;
    }
    if (own) { asked[own] = 1; }
    window.addEventListener('online', sync);
    document.addEventListener('visibilitychange', function () { if (!document.hidden) { sync(); } });
    return {
      sync: sync,
      any: function () { return visits().filter(busy).length > 0; },
      put: function (key, box) {
        if (stale) { tell('stale'); return; }
        memory.put(key, box);
        tell('saving');
        // What is under way does not know of this yet, so look once more after it.
        (running || Promise.resolve()).then(sync);
      }
    };
  }

  // Copies of the opened pages, so that they come up without a connection.
  function keepPages(form, gone) {
    var say = form.dataset;
    var base = say.visit.split('/q/')[0];
    function copy(cache, from, to) {
      return fetch(from, { credentials: 'same-origin' }).then(function (reply) {
        if (!reply.ok || reply.redirected || gone()) { return cache.delete(to); }
        return reply.text().then(function (text) {
          var headers = { 'Content-Type': 'text/html; charset=utf-8' };
          headers['Content-Security-Policy'] = reply.headers.get('Content-Security-Policy');
          return cache.put(to, new Response(text.replace('<html', '<html data-kept'), { headers: headers }));
        });
      });
    }
    if (!navigator.serviceWorker || !window.caches || document.body.dataset.handover) { return; }
    navigator.serviceWorker.register(base + '/sw.js').then(function () {
      return Promise.all([caches.open(cacheOf(say.visit)), caches.open(PREFIX + 'help')]);
    }).then(function (found) {
      var pages = say.parts.split(' ').map(function (part) { return copy(found[0], say.visit + '/' + part, say.visit + '/' + part); });
      pages.push(copy(found[1], say.visit + '/help', base + '/help'));
      pages.push(found[0].put(base + '/link/' + say.link, new Response(location.pathname)));
      return Promise.all(pages);
    }).then(function () { root.dataset.offline = 'ready'; }, function () { /* next time */ });
  }

  return {
    Outbox: Outbox,
    answerKey: answerKey,
    boxes: boxes,
    forgetVisit: forgetVisit,
    keepPages: keepPages,
    sendKey: sendKey,
    waits: function (visit, instrument) { return memory.get(sendKey(visit, instrument)); }
  };
})();

/* Serves an opened questionnaire and the help page when there is no connection. The page itself
   puts its copies into the caches, this only takes them out: the network always comes first, and
   a copy stands in when it fails, answers with an error or takes too long. */
'use strict';
const PATIENCE = 4000;
const base = new URL(self.registration.scope).pathname;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const path = new URL(event.request.url).pathname;
  const under = (start) => path.indexOf(base + start) === 0;
  // A form without script that cannot be sent must stay as it is, so only Start is answered here.
  const ours = under('s/') || (event.request.method === 'GET' && (under('q/') || under('help')));
  if (event.request.mode === 'navigate' && ours) {
    event.respondWith(answer(event.request, path));
  }
});

async function answer(request, path) {
  const copy = await kept(path);
  const network = fetch(request);
  if (!copy) {
    return network.catch(() => caches.match(base + 'help').then((help) => help || Response.error()));
  }
  network.catch(() => undefined);
  try {
    const reply = await Promise.race([network, pause()]);
    return reply && reply.status < 500 ? reply : copy;
  } catch (error) {
    return copy;
  }
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE));
}

/* The copy of a page; for a link, the way to the questionnaire that it opened. Links themselves
   are not kept, only their hash. */
async function kept(path) {
  const token = path.slice(base.length).split('s/')[1];
  if (path.indexOf(base + 's/') !== 0) {
    return caches.match(path);
  }
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  const hex = Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const found = await caches.match(base + 'link/' + hex);
  return found && Response.redirect(await found.text(), 303);
}

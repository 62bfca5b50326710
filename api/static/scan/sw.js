/* Keeps the scan app on the device. The server writes the version and the list of files in. */
const VERSION = '__VERSION__';
const FILES = JSON.parse('__FILES__');
const SHELL = '/scan/count';

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) =>
    cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload', credentials: 'omit' })))));
});
self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names
      .filter((name) => name.startsWith('gongwu-scan-') && name !== VERSION)
      .map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});
// A new version waits for a tap: it never reloads a page on which somebody counts.
self.addEventListener('message', (event) => { if (event.data === 'update') { self.skipWaiting(); } });
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) { return; }
  const path = event.request.mode === 'navigate' && url.pathname === SHELL ? SHELL : url.pathname;
  if (!FILES.includes(path)) { return; }
  event.respondWith(caches.open(VERSION)
    .then((cache) => cache.match(path))
    .then((found) => found || fetch(event.request)));
});

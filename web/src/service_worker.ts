// Keeps the page's files, so that it works without a network once it was loaded. A new build has a new name for them.
declare const BUILD: string;
declare const FILES: string[];
const scope = globalThis as unknown as ServiceWorkerGlobalScope;

interface ServiceWorkerGlobalScope extends EventTarget {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}
interface Lasting extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface Fetch extends Event {
  request: Request;
  respondWith(response: Promise<Response>): void;
}

scope.addEventListener('install', (event) => {
  const fill = caches.open(BUILD).then((cache) => cache.addAll(FILES));
  (event as Lasting).waitUntil(fill.then(() => scope.skipWaiting()));
});
scope.addEventListener('activate', (event) => {
  const others = caches.keys().then((names) => names.filter((name) => name !== BUILD));
  const drop = others.then((names) => Promise.all(names.map((name) => caches.delete(name))));
  (event as Lasting).waitUntil(drop.then(() => scope.clients.claim()));
});
scope.addEventListener('fetch', (event) => {
  const { request, respondWith } = event as Fetch;
  if (request.method !== 'GET') return;
  const answer = caches.open(BUILD).then(async (cache) => (await cache.match(request)) ?? fetch(request));
  respondWith.call(event, answer);
});

/* What this device keeps: scopes, scans, photos, a few settings. Changes to it only ever add. */
import { ofText } from './sha256.js';

const NAME = 'gongwu-scan';
const VERSION = 1;
let opened = null;

function open() {
  if (!opened) {
    opened = new Promise((resolve, reject) => {
      const asked = indexedDB.open(NAME, VERSION);
      asked.onupgradeneeded = () => {
        const db = asked.result;
        db.createObjectStore('kept', { keyPath: 'key' });
        db.createObjectStore('scopes', { keyPath: 'key' });
        const scans = db.createObjectStore('scans', { keyPath: ['chain', 'n'] });
        scans.createIndex('state', ['chain', 'state', 'n']);
        db.createObjectStore('photos', { keyPath: 'key' }).createIndex('state', 'state');
      };
      asked.onsuccess = () => {
        asked.result.onversionchange = () => asked.result.close();
        resolve(asked.result);
      };
      asked.onerror = () => { opened = null; reject(asked.error); };
    });
  }
  return opened;
}

/* Run `work(stores)` in one transaction; resolve after it is on the disk. */
async function within(names, mode, work) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const tx = db.transaction(names, mode, mode === 'readwrite' ? { durability: 'strict' } : {});
    let answer;
    tx.oncomplete = () => resolve(answer);
    tx.onerror = () => reject(tx.error);
    tx.onabort = () => reject(tx.error || new Error('aborted'));
    work(names.map((name) => tx.objectStore(name)), (value) => { answer = value; });
  });
}

function ask(request, then) { request.onsuccess = () => then(request.result); }

export const get = (store, key) => within([store], 'readonly', ([s], done) => ask(s.get(key), done));
export const put = (store, value) => within([store], 'readwrite', ([s]) => { s.put(value); });
export const remove = (store, key) => within([store], 'readwrite', ([s]) => { s.delete(key); });
export const all = (store) => within([store], 'readonly', ([s], done) => ask(s.getAll(), done));
export async function kept(key, otherwise) {
  const row = await get('kept', key);
  return row === undefined ? otherwise : row.value;
}
export const keep = (key, value) => put('kept', { key: key, value: value });

const chainRange = (chain) => IDBKeyRange.bound([chain, 0], [chain, Infinity]);
const stateRange = (chain, state) => IDBKeyRange.bound([chain, state, 0], [chain, state, Infinity]);

export const scansOf = (chain) =>
  within(['scans'], 'readonly', ([s], done) => ask(s.getAll(chainRange(chain)), done));
export const waitingOf = (chain, count) =>
  within(['scans'], 'readonly', ([s], done) =>
    ask(s.index('state').getAll(stateRange(chain, 'waiting'), count), done));
export const waitingCount = (chain) =>
  within(['scans'], 'readonly', ([s], done) =>
    ask(s.index('state').count(stateRange(chain, 'waiting')), done));
export const photosWaiting = () =>
  within(['photos'], 'readonly', ([s], done) => ask(s.index('state').count('waiting'), done));
export const waitingPhotos = () =>
  within(['photos'], 'readonly', ([s], done) => ask(s.index('state').getAll('waiting'), done));

/* The fields that are sent and hashed, in the order of canonical JSON; a quantity only where there is one. */
export const FIELDS = ['at', 'code', 'n', 'note', 'offset', 'photo', 'place', 'prev', 'quantity', 'source', 'undo'];
export function hashOf(scan) {
  const told = {};
  for (const name of FIELDS) { told[name] = scan[name]; }
  return ofText(JSON.stringify(told));
}

/* Scans that arrive while one transaction runs share the next: a reader may send hundreds at once. */
let line = [];
let writing = false;

/** Store one scan, numbered and chained after the last of its chain; resolve when it is durable. */
export function add(scan) {
  return new Promise((resolve, reject) => {
    line.push({ scan: scan, resolve: resolve, reject: reject });
    if (!writing) { write(); }
  });
}

async function write() {
  writing = true;
  while (line.length) {
    const group = line.splice(0, 200);
    try {
      await within(['scans'], 'readwrite', ([store]) => {
        const lasts = {};
        const step = (i) => {
          if (i === group.length) { return; }
          const scan = group[i].scan;
          const place = (last) => {
            scan.n = last ? last.n + 1 : 1;
            scan.prev = last ? last.hash : '';
            scan.hash = hashOf(scan);
            scan.state = 'waiting';
            lasts[scan.chain] = scan;
            store.add(scan);
            step(i + 1);
          };
          if (lasts[scan.chain]) { place(lasts[scan.chain]); return; }
          ask(store.openCursor(chainRange(scan.chain), 'prev'), (c) => place(c ? c.value : null));
        };
        step(0);
      });
      group.forEach((one) => one.resolve(one.scan));
    } catch (error) {
      group.forEach((one) => one.reject(error));
    }
  }
  writing = false;
}

/** Note what the server said of scans: `results` by number, all up to `received` are there, `missing`
    ranges are not and wait again. Answer how many changed their state. */
export function noteResults(chain, sent, answer) {
  const told = new Map((answer.results || []).map((r) => [r.n, r]));
  const gone = (n) => (answer.missing || []).some((range) => range[0] <= n && n <= range[1]);
  return within(['scans'], 'readwrite', ([store], done) => {
    let changed = 0;
    done(0);
    for (const was of sent) {
      const result = told.get(was.n);
      if ((!result && was.n > answer.received) || gone(was.n)) { continue; }
      ask(store.get([chain, was.n]), (scan) => {
        if (!scan || scan.state === 'sent') { return; }
        // "damaged" says that it did not arrive whole: then the server does not have it.
        scan.state = result && result.result === 'damaged' ? 'refused' : 'sent';
        if (result) { scan.server = result; was.server = result; }
        was.state = scan.state;
        store.put(scan);
        changed += 1;
        done(changed);
      });
    }
    again(store, chain, answer.missing || []);
  });
}

/** Note that the server does not take this one; it stays. */
export function noteRefused(chain, was, sentence) {
  was.state = 'refused';
  was.server = { n: was.n, result: 'refused', sentence: { zh: sentence, en: sentence } };
  return within(['scans'], 'readwrite', ([store]) => {
    ask(store.get([chain, was.n]), (scan) => {
      store.put(Object.assign(scan, { state: 'refused', server: was.server }));
    });
  });
}

/* What the server says it lacks waits again. */
function again(store, chain, ranges) {
  for (const range of ranges) {
    const bound = IDBKeyRange.bound([chain, 'sent', range[0]], [chain, 'sent', range[1]]);
    store.index('state').openCursor(bound).onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) { return; }
      cursor.update(Object.assign(cursor.value, { state: 'waiting' }));
      cursor.continue();
    };
  }
}

export const sendAgain = (chain, ranges) =>
  within(['scans'], 'readwrite', ([store]) => { again(store, chain, ranges); });

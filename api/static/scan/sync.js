/* Sends what waits, until the server names it as received. Nothing is given up after some tries. */
import * as store from './store.js';

const BATCH = 200;
const FIRST_WAIT = 5000;
const WAIT_AFTER_NEWS = 1000;
const LAST_WAIT = 60000;
const SLOW = 20000;

/** What a server answered that is no answer of ours: a page, a portal, an error. */
export class Trouble extends Error {
  constructor(kind, sentence) { super(kind); this.kind = kind; this.sentence = sentence || ''; }
}

/** Ask our server; answer JSON. Troubles: offline, login, refused (with its sentence), away. */
export async function call(method, url, body, lang, type) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), SLOW);
  let answer;
  try {
    const headers = { 'Accept-Language': lang, Accept: 'application/json' };
    if (body !== undefined) { headers['Content-Type'] = type || 'application/json'; }
    answer = await fetch(url, {
      method: method, headers: headers, signal: stop.signal, cache: 'no-store', redirect: 'error',
      body: body === undefined ? undefined : type ? body : JSON.stringify(body),
    });
  } catch (error) {
    throw new Trouble('offline');
  } finally {
    clearTimeout(timer);
  }
  let told = null;
  if (/json/.test(answer.headers.get('content-type') || '')) {
    try { told = await answer.json(); } catch (error) { throw new Trouble('offline'); }
  }
  if (answer.ok && (told !== null || answer.status === 204)) { return told; }
  if (answer.status === 401) { throw new Trouble('login'); }
  if (answer.status >= 500 || told === null) { throw new Trouble('away', sentenceOf(told, lang)); }
  const kind = { 413: 'large', 422: 'invalid' }[answer.status] || 'refused';
  throw new Trouble(kind, sentenceOf(told, lang));
}

function sentenceOf(told, lang) {
  const said = told && (told.detail || told.title);
  if (!said) { return ''; }
  return typeof said === 'string' ? said : said[lang] || '';
}

/** One sender per page; `owner()` gives {person, device, lang}, `changed(state)` is told everything. */
export class Sender {
  constructor(owner, changed) {
    this.owner = owner;
    this.changed = changed;
    this.wait = FIRST_WAIT;
    this.timer = 0;
    this.at = 0;  // when the timer is due
    this.running = false;
    this.again = false;
    this.offset = 0;
    this.state = { kind: 'idle', sentence: '', at: 0 };
  }

  say(kind, sentence) {
    this.state = { kind: kind, sentence: sentence || '', at: kind === 'ok' ? Date.now() : this.state.at };
    this.changed(this.state);
  }

  /** Ask soon: several scans a second share one request. */
  soon(delay) {
    const wait = delay === undefined ? 300 : delay;
    // Whoever asked for an earlier moment gets it: a network that came back is not waited for.
    if (this.timer && this.at <= Date.now() + wait) { return; }
    clearTimeout(this.timer);
    this.at = Date.now() + wait;
    this.timer = setTimeout(() => { this.timer = 0; this.flush(); }, wait);
  }

  /** Ask at once: there is news of the network. It is often too early, and then asked soon again. */
  now() {
    this.wait = WAIT_AFTER_NEWS;
    this.soon(0);
  }

  async me() {
    const from = Date.now();
    const told = await call('GET', '/scan/me', undefined, this.owner().lang);
    const until = Date.now();
    this.offset = Math.round(told.now + (until - from) / 2 - until);
    await store.keep('offset', this.offset);
    // Asked here first: an unauthorised call of the API would open the browser's own window.
    if (!told.person) { throw new Trouble('login'); }
    return told;
  }

  async flush() {
    if (this.running) { this.again = true; return; }
    this.running = true;
    clearTimeout(this.timer);
    this.timer = 0;
    let next = LAST_WAIT;
    try {
      do {
        this.again = false;
        await this.locked(() => this.send());
      } while (this.again);
      this.wait = FIRST_WAIT;
      this.say('ok');
    } catch (error) {
      if (!(error instanceof Trouble)) { this.say('away', String(error)); } else { this.say(error.kind, error.sentence); }
      next = this.wait;
      this.wait = Math.min(this.wait * 2, LAST_WAIT);
    } finally {
      this.running = false;
      // Asked again while it failed: the network may have come back since.
      this.soon(this.again ? 0 : next);
    }
  }

  /* Two tabs must not send the same scans at once; where there are no locks, the server's memory
     of every number makes it harmless. */
  locked(work) {
    if (!navigator.locks) { return work(); }
    return navigator.locks.request('gongwu-scan-send', work);
  }

  async send() {
    const owner = this.owner();
    const me = await this.me();
    if (!owner.person) { this.changed(this.state, me); return; }
    if (me.person !== owner.person) { throw new Trouble('other', me.name); }
    this.changed(this.state, me);
    for (const scope of await store.all('scopes')) {
      if (scope.person === owner.person) { await this.sendChain(scope.chain, scope.stocktake, owner); }
    }
    for (const photo of await store.waitingPhotos()) {
      if (photo.person !== owner.person) { continue; }
      const url = '/api/v1/stocktakes/' + encodeURIComponent(photo.stocktake) + '/photos/' + photo.sha256;
      try {
        await call('PUT', url, photo.bytes, owner.lang, 'image/jpeg');
        photo.state = 'sent';
      } catch (error) {
        if (error.kind !== 'large' && error.kind !== 'invalid') { throw error; }
        photo.state = 'refused';
        photo.sentence = error.sentence;
      }
      await store.put('photos', photo);
    }
  }

  async sendChain(chain, stocktake, owner) {
    let size = BATCH;
    for (;;) {
      const scans = await store.waitingOf(chain, size);
      if (!scans.length) { return; }
      const body = {
        device: owner.device,
        sent_at: new Date().toISOString(),
        scans: scans.map((scan) => {
          const told = { hash: scan.hash };
          for (const name of store.FIELDS) { told[name] = scan[name]; }
          return told;
        }),
      };
      let answer;
      try {
        const url = '/api/v1/stocktakes/' + encodeURIComponent(stocktake) + '/scans';
        answer = await call('POST', url, body, owner.lang);
      } catch (error) {
        if (error.kind !== 'large' && error.kind !== 'invalid') { throw error; }
        if (scans.length > 1) { size = Math.max(1, scans.length >> 2); continue; }
        // This one alone is refused: it stays here, in red, and the others pass.
        await store.noteRefused(chain, scans[0], error.sentence);
        this.changed(this.state, null, scans);
        continue;
      }
      if (!answer || !Array.isArray(answer.results)) { throw new Trouble('away'); }
      const changed = await store.noteResults(chain, scans, answer);
      this.changed(this.state, null, scans);
      if (!changed) { throw new Trouble('away'); }
    }
  }
}

/* What a scanned or typed text means, worked out without the server from a scope loaded before.
   The twin of labels/identity.py: only the path of an address counts, never its host. */
const IME = { '。': '.', '、': '/', '“': '"', '”': '"' };
const ADDRESS = /:\/\/|\/8004\/|\/obj\/|\/loc\//i;
const SCHEME = /https?:\/\//ig;
const CHARS_MAX = 1000;

/** Undo what input methods do to a scanner's keys, and drop what cannot be seen. */
export function plain(text) {
  const folded = text.normalize('NFKC').replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/g, '').trim();
  const typed = folded.replace(/[。、“”]/g, (c) => IME[c]);
  return ADDRESS.test(typed) || /^https?:/i.test(typed) ? typed : folded;
}

function number(text) {
  return text.normalize('NFKC').replace(/[‐‑‒–—―−]/g, '-').replace(/\s+/g, '').toUpperCase();
}

/** Give the key by which a code of the scope and a scanned code are compared. */
export function key(code) {
  const text = plain(code);
  const path = /\/(8004|obj|loc)\/([^/?#]+)\/?(?:[?#]|$)/i.exec(text);
  if (path) {
    try { return number(decodeURIComponent(path[2])); } catch (e) { return number(path[2]); }
  }
  const element = /^\(8004\)(.{1,30})$/.exec(text);
  return number(element ? element[1] : text);
}

/** Read one breath of a scanner: its codes, each {raw, kind, key}.
    Kinds: code, address, half (an address that breaks off), factory (an EPC as tags leave the
    factory), several (run together, not to be told apart), foreign, nothing. */
export function read(text, knows) {
  // What no JSON or database takes is shown as what it is; all else is kept as it came.
  const raw = Array.from(text.slice(0, CHARS_MAX), (c) =>
    (c === '\u0000' ? '\u2400' : c.length === 1 && c >= '\ud800' && c <= '\udfff' ? '\ufffd' : c)).join('');
  const clean = plain(raw);
  if (!clean) { return [{ raw: raw, kind: 'nothing', key: '' }]; }
  const starts = [];
  clean.replace(SCHEME, (found, at) => { starts.push(at); return found; });
  if (starts.length > 1) {
    const cuts = starts[0] === 0 ? starts : [0].concat(starts);
    const parts = cuts.map((at, i) => one(clean.slice(at, cuts[i + 1]).trim(), knows));
    // Told apart only when every part is a whole code that we know; else kept as it came.
    if (parts.every((p) => p.kind === 'address' && knows.has(p.key))) { return parts; }
    return [{ raw: raw, kind: 'several', key: '' }];
  }
  const found = one(clean, knows);
  return [Object.assign(found, { raw: raw })];
}

/** Tell whether a text is what a radio tag holds: it was heard, not read off a label. */
export const ofATag = (text) => /^\s*([0-9A-F]{24,}|urn:epc:(tag|raw):\S+)\s*$/i.test(text);

function one(text, knows) {
  const found = { raw: text, kind: 'code', key: key(text) };
  if (ADDRESS.test(text) || /^h?t?tps?:/i.test(text)) {
    const path = /\/(8004|obj|loc)\/([^/?#]+)\/?([?#].*)?$/i.exec(text);
    if (!path) {
      found.kind = /\/(8004|obj|loc)\/?$/i.test(text) || /^https?:\/{0,2}[^/]*(\/[a-z0-9]{0,4})?$/i.test(text) ? 'half' : 'foreign';
      found.key = '';
      return found;
    }
    found.kind = 'address';
    const seal = /[?&]s=([^&]*)/i.exec(path[3] || '');
    if ((path[3] && !/[?&]r=\d/i.test(path[3])) || (seal && ![15, 87].includes(seal[1].length))) {
      found.kind = 'half';
    } else if (!path[3] && knows.startsLonger(found.key)) {
      found.kind = 'half';  // it may be the beginning of another number
    }
    return found;
  }
  if (/^E2[0-9A-F]{22,60}$/i.test(text)) { found.kind = 'factory'; }
  return found;
}

/** The codes of a scope: of places and of items. */
export class Known {
  constructor(scope) {
    this.places = new Map();
    this.items = new Map();
    this.placeById = new Map();
    this.itemById = new Map();
    for (const place of scope.places || []) {
      this.placeById.set(place.id, place);
      for (const code of (place.codes || []).concat([place.id])) { this.places.set(key(code), place); }
    }
    for (const item of scope.items || []) {
      this.itemById.set(item.asset, item);
      for (const code of (item.codes || []).concat([item.no, item.asset])) {
        if (code) { this.items.set(key(code), item); }
      }
    }
    this.sorted = null;
    this.voids = new Map((scope.void || []).map((one) => [key(one[0]), one[1]]));
  }

  /** Tell whether a label or tag was void when the scope was loaded: it says so, or an old issue. */
  isVoid(part) {
    const below = this.voids.get(part.key);
    if (below === undefined || part.kind === 'half') { return false; }
    const issue = /[?&]r=([0-9]+)/i.exec(plain(part.raw));
    return below === 0 || Boolean(issue) && Number(issue[1]) < below;
  }

  has(wanted) { return this.places.has(wanted) || this.items.has(wanted); }

  startsLonger(wanted) {
    if (!this.sorted) { this.sorted = Array.from(this.items.keys()).sort(); }
    let low = 0, high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle] <= wanted) { low = middle + 1; } else { high = middle; }
    }
    return low < this.sorted.length && this.sorted[low].startsWith(wanted);
  }
}

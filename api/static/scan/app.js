/* The scan app: choose a stock-take, scan a place, scan what stands there. Works without a network
   from the opened stock-take to the end; the server has the last word on every scan. */
import * as store from './store.js';
import * as codes from './codes.js';
import * as seals from './seals.js';
import * as beep from './beep.js';
import * as camera from './camera.js';
import * as wedge from './wedge.js';
import { ofBytes } from './sha256.js';
import { Sender, Trouble, call } from './sync.js';

const WORDS = JSON.parse(document.getElementById('words').textContent);
const ROWS = 60;
const SKEW = 300000;
const COUNTED = ['right', 'misplaced', 'moved', 'recorded'];
const MARKS = {
  right: '✓', recorded: '✓', misplaced: '⚠', moved: '⚠', noplace: '⚠', confirm: '⚠', already: '↺', place: '⌂', undone: '↶',
};
const el = (id) => document.getElementById(id);

let lang = 'zh';
let owner = { person: '', name: '', device: '' };
let task = null;  // the opened stock-take: scope, known codes, scans, what is counted where
let online = [];
let tab = 'recent';
let redrawing = 0;

// Words -----------------------------------------------------------------------------

function t(key, values) {
  const text = WORDS[key][lang === 'zh' ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (all, name) => (values && name in values ? values[name] : all));
}

function clock(time) {
  const at = new Date(time);
  return String(at.getHours()).padStart(2, '0') + ':' + String(at.getMinutes()).padStart(2, '0');
}

function speak(wanted) {
  lang = wanted;
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  document.title = t('app');
  document.querySelectorAll('[data-t]').forEach((one) => { one.textContent = t(one.dataset.t); });
  document.querySelectorAll('[data-t-label]').forEach((one) => { one.setAttribute('aria-label', t(one.dataset.tLabel)); });
  document.querySelectorAll('[data-t-hint]').forEach((one) => { one.placeholder = t(one.dataset.tHint); });
  el('lang').textContent = lang === 'zh' ? 'English' : '中文';
  el('lang').lang = lang === 'zh' ? 'en' : 'zh-CN';
}

function make(name, css, text) {
  const made = document.createElement(name);
  if (css) { made.className = css; }
  if (text !== undefined) { made.textContent = text; }
  return made;
}

// Who and what ------------------------------------------------------------------------

function newDevice() {
  const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const drawn = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(drawn, (b, i) => (i && i % 4 === 0 ? '-' : '') + letters[b & 31]).join('');
}

async function become(me) {
  if (me.person === owner.person) { owner.name = me.name; return; }
  if (owner.person) { return; }  // another person: theirs is another page, after ours has sent
  const known = await store.kept('device ' + me.person);
  const device = known || newDevice();
  if (!known) { await store.keep('device ' + me.person, device); }
  owner = { person: me.person, name: me.name, device: device };
  await store.keep('owner', owner);
}

const sender = new Sender(
  () => ({ person: owner.person, device: owner.device, lang: lang }),
  (state, me, scans) => {
    if (me) { become(me).then(listOnline).then(drawHome); }
    if (scans && task && scans[0].chain === task.chain) { scans.forEach(learn); }
    redraw();
  },
);

async function listOnline() {
  try {
    const told = await call('GET', '/api/v1/stocktakes', undefined, lang);
    online = told.items || [];
  } catch (error) { /* what is loaded can be opened all the same */ }
}

// Home ----------------------------------------------------------------------------------

async function drawHome() {
  if (task) { return; }
  const scopes = (await store.all('scopes')).filter((s) => !owner.person || s.person === owner.person);
  const buttons = [];
  for (const one of scopes) {
    const waiting = await store.waitingCount(one.chain);
    buttons.push(taskButton(one.title, t('task-loaded', { n: one.count, at: clock(one.loaded) })
      + (waiting ? ' · ' + t('waiting', { n: waiting }) : ''), () => openTask(one.key)));
  }
  for (const one of online) {
    if (!one.open || scopes.some((s) => s.stocktake === one.id)) { continue; }
    buttons.push(taskButton(one.title || one.id, t('task-load'), () => load(one.id)));
  }
  const list = el('tasks');
  list.textContent = '';  // at once: this may have been asked for twice
  buttons.forEach((button) => list.appendChild(button));
  el('no-tasks').hidden = list.children.length > 0;
  el('sign-in').hidden = Boolean(owner.person) || sender.state.kind === 'idle';
}

function taskButton(title, hint, then) {
  const item = make('li');
  const button = make('button', 'big');
  button.type = 'button';
  button.appendChild(make('b', '', title));
  button.appendChild(make('small', '', hint));
  button.addEventListener('click', () => { beep.wake(); then(); });
  item.appendChild(button);
  return item;
}

/** Load what is expected, all pages of it, and keep it for the time without a network. */
async function load(id) {
  show('load-trouble', t('loading'));
  try {
    const base = '/api/v1/stocktakes/' + encodeURIComponent(id) + '/scope';
    const scope = await call('GET', base, undefined, lang);
    let after = scope.next;
    while (after) {
      const more = await call('GET', base + '?after=' + encodeURIComponent(after), undefined, lang);
      scope.items = scope.items.concat(more.items);
      after = more.next;
    }
    const key = owner.person + ' ' + id;
    await store.put('scopes', {
      key: key, chain: id + ' ' + owner.device, person: owner.person, stocktake: id, title: scope.title || id,
      count: scope.count === undefined ? scope.items.length : scope.count, loaded: Date.now(), scope: scope,
    });
    if (navigator.storage && navigator.storage.persist) { navigator.storage.persist(); }
    show('load-trouble', '');
    await openTask(key);
  } catch (error) {
    show('load-trouble', error instanceof Trouble ? error.sentence || t('trouble-' + error.kind) : String(error));
  }
}

// Counting --------------------------------------------------------------------------------

async function openTask(key) {
  const row = await store.get('scopes', key);
  if (!row) { await store.remove('kept', 'open'); return; }
  task = {
    key: key, chain: row.chain, stocktake: row.stocktake, title: row.title, scope: row.scope,
    known: new codes.Known(row.scope), scans: [], byN: new Map(), counted: new Map(), oddities: new Set(), place: null,
  };
  for (const scan of await store.scansOf(row.chain)) { take(scan); }
  const place = await store.kept('place ' + key);
  task.place = task.known.placeById.get(place) || null;
  await store.keep('open', key);
  const choice = el('place-choice');
  choice.textContent = '';
  choice.appendChild(new Option(t('choose-place'), ''));
  for (const one of row.scope.places || []) { choice.appendChild(new Option(placeName(one.id), one.id)); }
  choice.value = task.place ? task.place.id : '';
  el('home').hidden = true;
  el('count').hidden = false;
  el('task-title').textContent = row.title;
  say('', task.place ? t('go-on') : '', '', '');
  redraw();
}

async function close() {
  shown = 0;
  if (live) { live.stop(); }
  task = null;
  await store.remove('kept', 'open');
  el('count').hidden = true;
  el('home').hidden = false;
  await drawHome();
  sender.soon(0);
}

/* Put a scan among those of the opened stock-take: what it means now, after all before it. */
function take(scan) {
  const i = task.scans.length;
  task.scans.push(scan);
  task.byN.set(scan.n, i);
  weigh(scan);
}

function weigh(scan) {
  const result = resultOf(scan);
  if (scan.undo) {
    const undone = task.scans[task.byN.get(scan.undo)];
    if (undone) {
      undone.undone = true;
      task.oddities.delete(undone.n);
      if (task.counted.get(identityOf(undone)) === undone) { task.counted.delete(identityOf(undone)); }
    }
    return;
  }
  if (scan.undone) { return; }
  const thing = identityOf(scan);
  if (result === 'confirm' && task.counted.get(thing) === scan) { task.counted.delete(thing); }
  if (COUNTED.includes(result) && thing && !task.counted.has(thing)) { task.counted.set(thing, scan); }
  if (['right', 'recorded', 'already'].includes(result) && !scan.void) { task.oddities.delete(scan.n); } else { task.oddities.add(scan.n); }
}

/* In a blind count nobody tells us which thing a code means: then the code itself stands for it. */
const identityOf = (scan) => scan.asset || scan.seen || '';
/* A blind count stays blind: that a thing is right is for the reviewer, not for who counts; that
   somebody must read its label is for who counts. And where no place was chosen, that is what is to
   be told, also of a thing that is on the list. */
function resultOf(scan) {
  const said = scan.server && scan.server.result;
  const stays = scan.local === 'recorded' ? said !== 'confirm' : scan.local === 'noplace' && COUNTED.includes(said);
  return stays ? scan.local : said || scan.local;
}

/* The server has spoken of a scan that we show. */
function learn(sent) {
  const at = task.byN.get(sent.n);
  if (at === undefined) { return; }
  const scan = task.scans[at];
  const was = resultOf(scan);
  scan.state = sent.state;
  if (sent.server) {
    scan.server = sent.server;
    if (sent.server.asset && !scan.seen) { scan.asset = sent.server.asset; }
    if (!scan.undo) { weigh(scan); }
    // The server knows what others counted: where it sees the last scan otherwise, it is told anew.
    const other = resultOf(scan) !== was && scan.local !== 'recorded';
    if (scan.n === shown && !scan.undone && other) { showScan(scan); }
  }
}

async function setPlace(place) {
  task.place = place;
  hideScan();
  el('place-choice').value = place ? place.id : '';
  await store.keep('place ' + task.key, place ? place.id : '');
  if (place) {
    beep.tell('place');
    // What was scanned since may be on the disk before the place is: the later word stands.
    if (!shown) { say('place', t('result-place'), placeName(place.id), ''); }
  }
  redraw();
}

/* What we can tell without the server. */
function judge(part) {
  if (part.kind === 'several') { return { local: 'several' }; }
  const item = part.key && part.kind !== 'half' ? task.known.items.get(part.key) : null;
  if (part.kind === 'half') { return { local: 'half' }; }
  if (!item && task.scope.blind && part.kind !== 'foreign') {
    return blindly(part.key);
  }
  if (!item) {
    return { local: part.kind === 'factory' ? 'factory' : part.kind === 'foreign' ? 'foreign' : 'unknown' };
  }
  const before = task.counted.get(item.asset);
  const found = { asset: item.asset };
  if (!task.place) { return Object.assign(found, { local: 'noplace' }); }
  if (before) { return again(before, found); }
  if (item.confirm && codes.ofATag(part.raw)) { return Object.assign(found, { local: 'confirm' }); }
  if (task.scope.blind) { return Object.assign(found, { local: 'recorded' }); }
  return Object.assign(found, { local: item.place === task.place.id ? 'right' : 'misplaced' });
}

/* What one breath of a scanner holds. Judged at once, so that the second of two equal ones knows of
   the first; told only when it is on the disk. Many may be on their way there together. */
function accept(raw, source) {
  if (!task) { return Promise.resolve(); }
  const parts = codes.read(raw, task.known).filter((part) => part.kind !== 'nothing');
  const done = parts.map((part) => {
    const place = part.key && part.kind !== 'half' ? task.known.places.get(part.key) : null;
    if (place) { return setPlace(place); }
    const found = task.known.isVoid(part) ? { void: true } : {};
    return record(part.raw, source, Object.assign(found, judge(part)));
  });
  const sealed = parts.length === 1 ? seals.check(parts[0].raw, task.scope.label_keys) : null;
  return Promise.all(done).then(() => {
    if (parts.length > 1) { el('result-more').textContent = t('split', { n: parts.length }); }
    return sealed;
  }).then((said) => {
    if (!said) { return; }
    // What is kept stays as it came; the reviewer sees it, and who counts is told at once.
    el('result-more').textContent = t('seal-' + said);
    if (said === 'forged') {
      beep.tell('unknown');
      el('result').className = 'result is-bad';
      el('photo-of').hidden = false;
    }
  }).catch(failed);
}

function blindly(seen) {
  const before = task.counted.get(seen);
  if (!task.place) { return { local: 'noplace', seen: seen }; }
  return before ? again(before, { seen: seen }) : { local: 'recorded', seen: seen };
}

const again = (before, found) =>
  Object.assign(found, { local: 'already', before: { at: before.at, place: before.place } });

async function record(raw, source, found, more) {
  const to = task;
  const scan = Object.assign({
    chain: to.chain, at: new Date().toISOString(), offset: sender.offset, code: raw, source: source,
    place: to.place ? to.place.id : '', undo: null, photo: null, note: '',
  }, found, more || {});
  const thing = identityOf(scan);
  // Scanned again where the place is known: the first time, without one, is taken back before this
  // is told, or whoever judges in that order takes the second for the one too many.
  const before = thing && scan.place ? placeless(thing) : [];
  before.forEach((one) => { one.undone = true; });
  const first = COUNTED.includes(scan.local) && thing && !to.counted.has(thing);
  if (first) { to.counted.set(thing, scan); }
  try {
    await Promise.all([...before.map(takeBack), store.add(scan)]);
  } catch (error) {
    before.forEach((one) => { one.undone = false; });
    if (first) { to.counted.delete(thing); }
    throw error;
  }
  if (task !== to) { return scan; }
  take(scan);
  showScan(scan);
  redraw();
  sender.soon();
  // One without a place that was still on its way to the disk.
  if (thing && scan.place) { await Promise.all(placeless(thing).map(takeBack)); }
  return scan;
}

function failed(error) {
  beep.tell('unknown');
  say('unknown', t('not-stored'), String(error && error.name), t('not-stored-hint'));
}

function placeName(id) {
  const place = task.known.placeById.get(id);
  if (!place) { return id || ''; }
  return lang === 'en' && place.name_en ? place.name_en : place.name;
}

function described(scan) {
  const item = task.known.itemById.get(scan.asset);
  if (scan.code.startsWith('no-label:')) { return t('result-unlabelled'); }
  return item ? [item.no, item.name].filter(Boolean).join(' ') : scan.code;
}

function sentenceOf(scan) {
  if (scan.server && scan.server.sentence && scan.server.result === resultOf(scan)) { return scan.server.sentence[lang] || ''; }
  return [scan.void ? t('say-void') : '', ownSentenceOf(scan)].filter(Boolean).join(' ');
}

/* What we say without the server. */
function ownSentenceOf(scan) {
  const item = task.known.itemById.get(scan.asset);
  if (scan.local === 'misplaced' && item) {
    return t('say-misplaced', { place: placeName(item.place) || t('no-place') });
  }
  if (scan.local === 'already') {
    return t('say-already', { at: clock(scan.before.at), place: placeName(scan.before.place) });
  }
  return 'say-' + scan.local in WORDS ? t('say-' + scan.local) : '';
}

function word(result) { return 'result-' + result in WORDS ? t('result-' + result) : result; }

function showScan(scan) {
  const result = resultOf(scan);
  const sound = result === 'recorded' ? 'right' : result;
  beep.tell(scan.void && ['right', 'already'].includes(sound) ? 'misplaced' : sound);
  say(result, word(result) + (scan.void ? ' · ' + t('result-void') : ''), described(scan), sentenceOf(scan));
  if (scan.void && tone(result) === 'good') {
    el('result').className = 'result is-warn';
    el('result-mark').textContent = MARKS.misplaced;
  }
  el('photo-of').hidden = !['unknown', 'foreign', 'factory', 'half', 'several'].includes(result);
  shown = scan.n;
  askQuantity(scan);
}
let shown = 0;

/* Something else is told now: what the server says late of the scan before does not hide it, and a
   picture is not of that scan any more. */
function hideScan() {
  shown = 0;
  el('photo-of').hidden = true;
}

/* A batch may be counted by quantity; in a blind count nobody tells us which thing is one. */
let batch = null;
function askQuantity(scan) {
  const item = task.known.itemById.get(scan.asset);
  const many = item ? Boolean(item.quantity) : task.scope.blind && scan.local === 'recorded';
  const there = ['already', ...COUNTED].includes(resultOf(scan));
  batch = many && there && !scan.quantity && !scan.undo ? scan : null;
  el('quantity').value = '';
  el('many').hidden = !batch;
}

/* What was counted is a scan of its own: the one before stays as it was. */
async function keepQuantity(text) {
  const scan = batch;
  const said = text.trim().replace(/^0+(?=\d)/, '');
  const n = said.includes('.') ? said.replace(/0+$/, '').replace(/\.$/, '') : said;
  if (!scan || !/^(0|[1-9][0-9]{0,14})(\.[0-9]{0,5}[1-9])?$/.test(n)) {
    el('result-more').textContent = t('quantity-wrong');
    return;
  }
  const item = task.known.itemById.get(scan.asset);
  const found = { local: 'recorded' };
  if (scan.asset) { found.asset = scan.asset; }
  if (scan.seen) { found.seen = scan.seen; }
  await record(scan.code, 'typed', found, { quantity: n, place: scan.place });
  const differs = item && item.quantity && item.quantity !== n;
  el('result-more').textContent = differs
    ? t('quantity-differs', { n: n, books: item.quantity }) : t('quantity-kept', { n: n });
  if (differs) { el('result').className = 'result is-warn'; }
}

function say(result, title, what, sentence) {
  const box = el('result');
  box.className = 'result ' + (result ? 'is-' + tone(result) : '');
  el('result-mark').textContent = result ? MARKS[result] || '✗' : '';
  el('result-word').textContent = title;
  el('result-what').textContent = what;
  el('result-sentence').textContent = sentence;
  el('result-more').textContent = '';
  el('many').hidden = true;
  if (!result) { el('photo-of').hidden = true; }
}

function tone(result) {
  if (['right', 'recorded', 'place'].includes(result)) { return 'good'; }
  if (['misplaced', 'moved', 'noplace', 'already', 'undone', 'confirm'].includes(result)) { return 'warn'; }
  return 'bad';
}

function placeless(thing) {
  return task.scans.filter((s) => identityOf(s) === thing && !s.place && !s.undo && !s.undone);
}

async function takeBack(scan) {
  const taken = await store.add({
    chain: task.chain, at: new Date().toISOString(), offset: sender.offset, code: '', source: 'typed',
    place: scan.place, undo: scan.n, photo: null, note: '', local: 'undone',
  });
  if (task && task.chain === taken.chain) { take(taken); }
  redraw();
  sender.soon();
}

async function undo(scan) {
  if (!scan || scan.undo || scan.undone) { return; }
  scan.undone = true;  // a second tap undoes the one before
  await takeBack(scan);
  hideScan();
  beep.tell('already');
  say('undone', t('result-undone'), described(scan), t('say-undone'));
}

function lastScan() {
  for (let i = task.scans.length - 1; i >= 0; i -= 1) {
    if (!task.scans[i].undo && !task.scans[i].undone) { return task.scans[i]; }
  }
  return null;
}

// Photos ------------------------------------------------------------------------------------

/* A photo is kept with its own sum and told by a scan of its own: what was scanned stays as it was. */
async function attach(file, scan) {
  let bytes;
  try {
    bytes = await camera.shrink(file);
  } catch (error) {
    beep.tell('unknown');
    say('unknown', t('no-picture'), file.name, t('say-no-picture'));
    return;
  }
  const sum = ofBytes(bytes);
  await store.put('photos', {
    key: task.stocktake + ' ' + sum, sha256: sum, stocktake: task.stocktake, person: owner.person, bytes: bytes, state: 'waiting',
  });
  const found = scan ? { local: scan.local } : { local: 'unlabelled' };
  // Two things without a label are two things: the sum of the photo tells them apart.
  await record(scan ? scan.code : 'no-label:' + sum.slice(0, 16), 'photo', found, { photo: sum, note: scan ? t('note-photo', { n: scan.n }) : t('note-unlabelled') });
  el('result-more').textContent = t('photo-kept');
  sender.soon();
}

async function readFile(file) {
  let texts;
  say('', t('reading'), '', '');
  try {
    texts = await camera.readPhoto(file);
  } catch (error) {
    beep.tell('unknown');
    say('unknown', t('no-picture'), file.name, t('say-no-picture'));
    return;
  }
  if (!texts.length) {
    beep.tell('unknown');
    say('unknown', t('no-code'), file.name, t('say-no-code'));
    return;
  }
  for (const text of texts) { await accept(text, 'photo'); }
}

// Drawing ----------------------------------------------------------------------------------

function redraw() {
  el('sync').dataset.waiting = '';  // not counted yet
  if (redrawing) { return; }
  redrawing = setTimeout(() => { redrawing = 0; draw(); }, 60);
}

function show(id, text) { el(id).textContent = text; el(id).hidden = !text; }

async function picturesOwed() {
  if (!await store.photosWaiting()) { return 0; }
  const mine = (p) => task && p.person === owner.person && p.stocktake === task.stocktake;
  return (await store.waitingPhotos()).filter(mine).length;
}

async function draw() {
  const state = sender.state;
  // A picture is as much a part of what was seen as its scan: nobody is done before it is there.
  const pictures = task ? await picturesOwed() : 0;
  const waiting = task ? task.scans.filter((s) => s.state === 'waiting').length + pictures : 0;
  const sync = state.kind === 'ok' || state.kind === 'idle' ? '' : t('trouble-' + state.kind, { name: state.sentence });
  el('sync').textContent = (task ? t('waiting', { n: waiting }) + ' · ' : '')
    + (state.at ? t('sent-at', { at: clock(state.at) }) : t('never-sent'));
  if (!redrawing) { el('sync').dataset.waiting = String(waiting); }
  el('sync').className = waiting && sync ? 'sync is-waiting' : 'sync';
  show('trouble', sync && state.sentence && state.kind !== 'other' ? sync + ' ' + state.sentence : sync);
  el('sign-in').hidden = !(state.kind === 'login');
  el('who').textContent = owner.person ? t('who', { name: owner.name, device: owner.device }) : '';
  show('mode', mode());
  show('skew', Math.abs(sender.offset) > SKEW ? t('skew', { n: Math.round(Math.abs(sender.offset) / 60000) }) : '');
  if (task) { drawTask(waiting); }
}

function mode() {
  if (!self.isSecureContext) { return t('mode-http'); }
  if (!navigator.serviceWorker || !navigator.serviceWorker.controller) { return t('mode-loading'); }
  return camera.possible() ? t('mode-full') : t('mode-no-camera');
}

/* A tap is a press and a release on one button: rows are not drawn anew between the two, or the tap
   would be nobody's. */
let pressed = false;
let owed = false;
addEventListener('pointerdown', () => { pressed = true; }, true);
for (const end of ['pointerup', 'pointercancel']) {
  addEventListener(end, () => setTimeout(() => {
    pressed = false;
    if (owed) { owed = false; redraw(); }
  }, 100), true);  // a finger's click comes a little after it
}

function drawTask(waiting) {
  if (pressed) { owed = true; return; }
  const place = task.place;
  const expected = task.scope.items || [];
  const here = place ? expected.filter((i) => i.place === place.id) : [];
  const doneHere = here.filter((i) => task.counted.has(i.asset)).length;
  el('place-name').textContent = place ? placeName(place.id) : t('place-first');
  el('place-box').className = place ? 'place' : 'place is-empty';
  const blind = task.scope.blind;
  el('here').textContent = place && !blind ? t('here', { n: doneHere, of: here.length }) : '';
  let done = 0;
  task.counted.forEach((scan, asset) => { if (task.known.itemById.has(asset)) { done += 1; } });
  el('whole').textContent = blind ? t('whole-blind', { n: task.counted.size }) : t('whole', { n: done, of: expected.length });
  el('odd').textContent = t('tab-odd') + ' ' + task.oddities.size;
  el('undo').disabled = !lastScan();
  const list = el('rows');
  list.textContent = '';
  if (tab === 'left') {
    const left = blind ? [] : (place ? here : expected).filter((i) => !task.counted.has(i.asset));
    left.slice(0, ROWS).forEach((i) => {
      const li = make('li');
      li.appendChild(make('span', 'what', [i.no, i.name].filter(Boolean).join(' ')));
      li.appendChild(make('small', '', placeName(i.place)));
      list.appendChild(li);
    });
    show('rows-empty', left.length ? '' : t(blind ? 'blind-left' : 'none-left'));
    show('rows-more', left.length > ROWS ? t('more', { n: left.length - ROWS }) : '');
  } else {
    let n = 0;
    for (let i = task.scans.length - 1; i >= 0 && n < ROWS; i -= 1) {
      const scan = task.scans[i];
      if (scan.undo || (tab === 'odd' && !task.oddities.has(scan.n))) { continue; }
      list.appendChild(rowOf(scan));
      n += 1;
    }
    show('rows-empty', n ? '' : t('none-yet'));
    show('rows-more', '');
  }
  for (const name of ['recent', 'left', 'odd']) {
    el(name).setAttribute('aria-pressed', String(name === tab));
  }
  el('finish-hint').textContent = waiting ? t('finish-waiting', { n: waiting }) : t('finish-ready');
  el('finish').disabled = waiting > 0 || !task.scans.length;
}

function rowOf(scan) {
  const result = scan.undone ? 'undone' : resultOf(scan);
  const li = make('li', scan.undone ? 'gone' : '');
  const mark = scan.void && tone(result) === 'good'
    ? make('span', 'mark is-warn', MARKS.misplaced + ' ' + word(result) + ' · ' + t('result-void'))
    : make('span', 'mark is-' + tone(result), (MARKS[result] || '✗') + ' ' + word(result));
  li.appendChild(mark);
  li.appendChild(make('span', 'what', described(scan)));
  const state = t('state-' + scan.state);
  li.appendChild(make('small', '', [clock(scan.at), placeName(scan.place), state, sentenceOf(scan)].filter(Boolean).join(' · ')));
  if (!scan.undone) {
    const button = make('button', 'small', t('undo'));
    button.type = 'button';
    button.setAttribute('aria-label', t('undo') + ' ' + described(scan));
    button.addEventListener('click', () => { undo(scan).catch(failed); });
    li.appendChild(button);
  }
  return li;
}

// Ending -------------------------------------------------------------------------------------

async function finish() {
  const last = task.scans.length ? task.scans[task.scans.length - 1].n : 0;
  const url = '/api/v1/stocktakes/' + encodeURIComponent(task.stocktake) + '/devices/' + encodeURIComponent(owner.device) + '/done';
  try {
    const told = await call('POST', url, { last: last }, lang);
    const owed = (told && told.missing) || [];
    say(owed.length ? 'unknown' : 'right', t(owed.length ? 'finish-owed' : 'finish-done'), '', '');
    if (owed.length) { await store.sendAgain(task.chain, owed); sender.soon(0); }
  } catch (error) {
    say('unknown', t('finish-failed'), '', error.sentence || t('trouble-' + (error.kind || 'away')));
  }
}

/* The last resort: everything of this device as a file that can be handed over. */
async function saveFile() {
  const told = { device: owner.device, person: owner.person, stocktake: task.stocktake, scans: [] };
  for (const scan of await store.scansOf(task.chain)) {
    const one = { hash: scan.hash, state: scan.state };
    store.FIELDS.forEach((name) => { one[name] = scan[name]; });
    told.scans.push(one);
  }
  const link = make('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(told, null, 1)], { type: 'application/json' }));
  link.download = 'gongwu-' + task.stocktake + '-' + owner.device + '.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// The camera ---------------------------------------------------------------------------------

let live = null;

async function toggleCamera() {
  beep.wake();
  if (live && live.stream) { live.stop(); return; }
  if (!camera.possible()) { el('shot').click(); return; }
  el('video').hidden = false;
  live = live || new camera.Camera(el('video'), (text) => accept(text, 'camera'), cameraChanged);
  try {
    await live.start(await store.kept('camera', ''));
  } catch (error) {
    el('video').hidden = true;
    say('unknown', t('camera-no'), '', t(error.name === 'NotAllowedError' ? 'say-camera-denied' : 'say-camera-none'));
  }
}

async function cameraChanged(state) {
  const on = state === 'on';
  el('video').hidden = !on;
  el('camera').setAttribute('aria-pressed', String(on));
  el('camera-word').textContent = t(on ? 'camera-off' : 'camera-on');
  el('torch').hidden = !on || !live.hasTorch();
  if (state === 'idle') { say('', t('camera-paused'), '', ''); }
  if (state === 'failed') { say('unknown', t('camera-no'), '', t('say-camera-decoder')); }
  const choice = el('camera-choice');
  choice.hidden = true;
  if (!on) { return; }
  const found = await live.cameras();
  if (found.length < 2) { return; }
  choice.textContent = '';
  found.forEach((one, i) => choice.appendChild(new Option(one.label || t('camera-n', { n: i + 1 }), one.deviceId)));
  choice.value = live.track() ? live.track().getSettings().deviceId || '' : '';
  choice.hidden = false;
}

// Start --------------------------------------------------------------------------------------

function wire() {
  el('lang').addEventListener('click', async () => {
    speak(lang === 'zh' ? 'en' : 'zh');
    await store.keep('lang', lang);
    if (task) { say('', task.place ? t('go-on') : '', '', ''); } else { await drawHome(); }
    redraw();
  });
  el('back').addEventListener('click', close);
  el('camera').addEventListener('click', toggleCamera);
  el('torch').addEventListener('click', () => {
    const on = el('torch').getAttribute('aria-pressed') !== 'true';
    live.torch(on).then(() => el('torch').setAttribute('aria-pressed', String(on)), () => {});
  });
  el('camera-choice').addEventListener('change', async (event) => {
    await store.keep('camera', event.target.value);
    event.target.blur();
    await live.start(event.target.value);
  });
  el('place-choice').addEventListener('change', (event) => {
    const place = task.known.placeById.get(event.target.value) || null;
    event.target.blur();  // else a scanner's keys would choose another one
    beep.wake();
    setPlace(place).catch(failed);
  });
  el('typed').addEventListener('submit', (event) => {
    event.preventDefault();
    beep.wake();
    const text = el('code').value;
    el('code').value = '';
    if (text.trim()) { accept(text, 'typed'); }
  });
  el('many').addEventListener('submit', (event) => {
    event.preventDefault();
    beep.wake();
    keepQuantity(el('quantity').value).catch(failed);
  });
  wedge.listen(el('code'), (text) => accept(text, 'wedge'));
  el('undo').addEventListener('click', () => { undo(lastScan()).catch(failed); });
  el('shot').addEventListener('change', (event) => {
    const file = event.target.files[0];
    event.target.value = '';
    if (file) { readFile(file).catch(failed); }
  });
  el('evidence').addEventListener('change', (event) => {
    const file = event.target.files[0];
    event.target.value = '';
    if (file) { attach(file, task.scans[task.byN.get(shown)]).catch(failed); }
  });
  el('bare').addEventListener('change', (event) => {
    const file = event.target.files[0];
    event.target.value = '';
    if (file) { attach(file, null).catch(failed); }
  });
  for (const name of ['recent', 'left', 'odd']) {
    el(name).addEventListener('click', () => { tab = name; redraw(); });
  }
  el('finish').addEventListener('click', finish);
  el('save').addEventListener('click', saveFile);
  el('send-now').addEventListener('click', () => sender.now());
  self.addEventListener('online', () => sender.now());
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { sender.now(); } });
  el('update').addEventListener('click', () => {
    navigator.serviceWorker.getRegistration('/scan/').then((r) => r && r.waiting && r.waiting.postMessage('update'));
  });
}

async function keepOffline() {
  if (!navigator.serviceWorker) { return; }
  const had = Boolean(navigator.serviceWorker.controller);
  let updating = false;
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (had && updating) { location.reload(); }
    redraw();
  });
  el('update').addEventListener('click', () => { updating = true; });
  try {
    const registration = await navigator.serviceWorker.register('/scan/sw.js', { scope: '/scan/' });
    const offer = () => { el('update-box').hidden = !(registration.waiting && navigator.serviceWorker.controller); };
    offer();
    registration.addEventListener('updatefound', () => {
      const coming = registration.installing;
      coming.addEventListener('statechange', offer);
    });
  } catch (error) { /* without a trusted certificate there is none; the page says so */ }
}

async function start() {
  // The page that is kept on the device has the browser's language, not the one that was chosen.
  speak(await store.kept('lang', document.documentElement.dataset.lang));
  await store.keep('lang', lang);
  owner = await store.kept('owner', owner);
  sender.offset = await store.kept('offset', 0);
  wire();
  keepOffline();
  const open = await store.kept('open');
  if (open) { await openTask(open); } else { await drawHome(); }
  redraw();
  await sender.flush();
  await drawHome();
  await draw();
  document.documentElement.dataset.ready = 'yes';
}

start().catch((error) => { show('trouble', t('no-storage') + ' ' + String(error && error.name)); });

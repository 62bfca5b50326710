/* SHA-256 (FIPS 180-4) without a promise: a scan is hashed inside the transaction that stores it,
   and pages of plain http have no crypto.subtle. */
const K = new Uint32Array(64);
const START = new Uint32Array(8);
(function () {
  let found = 0;
  for (let n = 2; found < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) { if (n % d === 0) { prime = false; break; } }
    if (!prime) { continue; }
    const frac = (x) => Math.floor((x - Math.floor(x)) * 4294967296);
    if (found < 8) { START[found] = frac(Math.sqrt(n)); }
    K[found] = frac(Math.cbrt(n));
    found += 1;
  }
})();

/** Hash bytes (Uint8Array); answer 64 hex characters. */
export function ofBytes(bytes) {
  const length = bytes.length;
  const blocks = (length + 72) >> 6;
  const data = new Uint8Array(blocks << 6);
  data.set(bytes);
  data[length] = 0x80;
  const view = new DataView(data.buffer);
  view.setUint32(data.length - 8, Math.floor(length / 536870912));
  view.setUint32(data.length - 4, (length << 3) >>> 0);
  const h = START.slice();
  const w = new Uint32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < data.length; block += 64) {
    for (let i = 0; i < 16; i += 1) { w[i] = view.getUint32(block + i * 4); }
    for (let i = 16; i < 64; i += 1) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3))
        + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    const s = h.slice();
    for (let i = 0; i < 64; i += 1) {
      const e = s[4], a = s[0];
      const one = (s[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & s[5]) ^ (~e & s[6]))
        + K[i] + w[i]) >>> 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22))
        + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]))) >>> 0;
      s.copyWithin(1, 0, 7);
      s[4] += one;
      s[0] = one + two;
    }
    for (let i = 0; i < 8; i += 1) { h[i] += s[i]; }
  }
  return Array.from(h, (x) => x.toString(16).padStart(8, '0')).join('');
}

/** Hash a text as UTF-8. */
export function ofText(text) { return ofBytes(new TextEncoder().encode(text)); }

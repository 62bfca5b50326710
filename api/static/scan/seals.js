/* Whether a signed label is ours, worked out without the server: Ed25519 by the browser itself, with
   the public keys that came with the scope. The twin of labels/signed.py. */
const CODE = /\/(8004|obj)\/([^/?#]+)\/?\?(?:[^#]*&)?r=([1-9][0-9]{0,2})&s=([0-9A-Za-z])([0-9A-Za-z_-]{86})$/i;
const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Give the bytes of base64url text, or null where the last character has bits to spare. */
function bytesOf(text) {
  const found = [];
  let bits = 0, count = 0;
  for (const char of text) {
    bits = (bits << 6 | B64.indexOf(char)) & 0xfff;
    count += 6;
    if (count >= 8) { count -= 8; found.push(bits >> count & 255); }
  }
  return bits & (1 << count) - 1 ? null : new Uint8Array(found);
}

const ofHex = (hex) => new Uint8Array((hex.match(/../g) || []).map((pair) => parseInt(pair, 16)));

/** Tell what a text's signature says: genuine, forged, retired, unchecked (this browser cannot), or
    null where there is none, or none that a key of ours is named on. */
export async function check(text, keys) {
  const parts = CODE.exec(text.trim());
  if (!parts || text === text.toUpperCase()) { return null; }
  const key = (keys || []).find((one) => one.id === parts[4].toLowerCase());
  if (!key) { return null; }
  const subtle = self.crypto && self.crypto.subtle;
  let id = parts[2];
  try { id = decodeURIComponent(id); } catch (e) { return 'forged'; }
  const signature = bytesOf(parts[5]);
  if (!signature) { return 'forged'; }
  const said = new TextEncoder().encode(['ZCLSIG1', id, parts[3]].join('\x1f'));
  let good;
  try {
    const known = await subtle.importKey('raw', ofHex(key.public), { name: 'Ed25519' }, false, ['verify']);
    good = await subtle.verify({ name: 'Ed25519' }, known, signature, said);
  } catch (e) {
    return 'unchecked';  // no HTTPS, or a browser from before 2025
  }
  return good ? (key.retired ? 'retired' : 'genuine') : 'forged';
}

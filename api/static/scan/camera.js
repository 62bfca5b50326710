/* Codes out of the camera or a photo: the browser's own detector where it reads QR, else ZXing. */
const SIDE_MAX = 960;
const PHOTO_SIDE_MAX = 2000;
const AGAIN = 2500;
const IDLE_STOP = 60000;
let worker = null;
let asked = 0;
const answers = new Map();

function decoder() {
  if (!worker) {
    worker = (async () => {
      const made = new Worker('/static/scan/decoder.js');
      const bytes = await (await fetch('/static/vendor/zxing_reader.wasm')).arrayBuffer();
      await new Promise((resolve, reject) => {
        made.onmessage = (event) => (event.data.ready ? resolve() : reject(new Error(event.data.failed)));
        made.onerror = (event) => reject(new Error(event.message));
        made.postMessage({ wasm: bytes }, [bytes]);
      });
      made.onmessage = (event) => {
        const take = answers.get(event.data.id);
        answers.delete(event.data.id);
        if (take) { take(event.data.texts); }
      };
      return made;
    })();
    worker.catch(() => { worker = null; });
  }
  return worker;
}

let native;
async function detector() {
  if (native === undefined) {
    native = null;
    if (self.BarcodeDetector) {
      try {
        const formats = await self.BarcodeDetector.getSupportedFormats();
        if (formats.includes('qr_code')) { native = new self.BarcodeDetector(); }
      } catch (error) { native = null; }
    }
  }
  return native;
}

async function decode(canvas, every, most) {
  const own = await detector();
  if (own) {
    try {
      const found = await own.detect(canvas);
      if (found.length || !every) { return found.map((one) => one.rawValue).filter(Boolean); }
    } catch (error) { native = null; }
  }
  const made = await decoder();
  const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  asked += 1;
  const id = asked;
  return new Promise((resolve) => {
    answers.set(id, resolve);
    made.postMessage({ id: id, image: image, every: every, most: most }, [image.data.buffer]);
  });
}

function drawn(source, width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext('2d', { willReadFrequently: true }).drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Open a photo file as a picture; throws when it is none. */
async function picture(file) {
  if (self.createImageBitmap) {
    try { return await createImageBitmap(file); } catch (error) { /* older ones go the long way */ }
  }
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  const image = new Image();
  await new Promise((resolve, reject) => { image.onload = resolve; image.onerror = reject; image.src = url; });
  return image;
}

/** Read every code in a photo. */
export async function readPhoto(file) {
  const image = await picture(file);
  for (const side of [PHOTO_SIDE_MAX, SIDE_MAX]) {
    const texts = await decode(drawn(image, image.width, image.height, side), true, 50);
    if (texts.length) { return texts; }
  }
  return [];
}

/** Shrink a photo to a JPEG worth keeping; answer its bytes. */
export async function shrink(file) {
  const image = await picture(file);
  const canvas = drawn(image, image.width, image.height, 1280);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.8));
  if (!blob) { throw new Error('no picture'); }
  return new Uint8Array(await new Response(blob).arrayBuffer());
}

/** Whether there can be a live camera on this page at all. */
export const possible = () => Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);

/** The live camera: one stream, kept open; `take(text)` for every code that comes into view. */
export class Camera {
  constructor(video, take, changed) {
    this.video = video;
    this.take = take;
    this.changed = changed;
    this.stream = null;
    this.seen = new Map();
    this.frames = 0;
  }

  async start(deviceId) {
    this.stop();
    const wanted = { width: { ideal: 1280 }, height: { ideal: 720 } };
    if (deviceId) { wanted.deviceId = { exact: deviceId }; } else { wanted.facingMode = { ideal: 'environment' }; }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      if (error.name === 'NotAllowedError' || error.name === 'NotFoundError') { throw error; }
      stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
    }
    this.stream = stream;
    this.video.srcObject = stream;
    await this.video.play();
    this.lastRead = Date.now();
    this.changed('on');
    this.loop(stream);
  }

  stop(why) {
    if (!this.stream) { return; }
    this.stream.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
    this.changed(why || 'off');
  }

  track() { return this.stream ? this.stream.getVideoTracks()[0] : null; }

  async cameras() {
    const found = await navigator.mediaDevices.enumerateDevices();
    return found.filter((one) => one.kind === 'videoinput');
  }

  hasTorch() {
    const track = this.track();
    return Boolean(track && track.getCapabilities && track.getCapabilities().torch);
  }

  torch(on) {
    const track = this.track();
    return track ? track.applyConstraints({ advanced: [{ torch: on }] }) : Promise.resolve();
  }

  async loop(stream) {
    while (this.stream === stream) {
      if (this.video.readyState >= 2 && this.video.videoWidth && !document.hidden) {
        this.frames += 1;
        const canvas = drawn(this.video, this.video.videoWidth, this.video.videoHeight, SIDE_MAX);
        let texts = [];
        try {
          texts = await decode(canvas, this.frames % 6 === 0, 4);
        } catch (error) {
          this.stop('failed');
          return;
        }
        this.met(texts);
      }
      if (Date.now() - this.lastRead > IDLE_STOP) { this.stop('idle'); return; }
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }

  met(texts) {
    const now = Date.now();
    for (const text of texts) {
      const before = this.seen.get(text) || 0;
      this.seen.set(text, now);  // renewed while the label stays in view
      this.lastRead = now;
      if (now - before > AGAIN) { this.take(text); }
    }
    this.seen.forEach((at, text) => { if (now - at > AGAIN) { this.seen.delete(text); } });
  }
}

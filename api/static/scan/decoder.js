/* Reads codes in pictures, beside the page. The page hands over the wasm bytes: asked by itself, the
   library would look for them on a far host. */
importScripts('/static/vendor/zxing_reader.js');
let ready = null;
self.onmessage = function (event) {
  var asked = event.data;
  if (asked.wasm) {
    ready = ZXingWASM.prepareZXingModule({ overrides: { wasmBinary: asked.wasm }, fireImmediately: true });
    ready.then(function () { self.postMessage({ ready: true }); },
      function (error) { self.postMessage({ failed: String(error) }); });
    return;
  }
  ready.then(function () {
    return ZXingWASM.readBarcodes(asked.image, {
      formats: asked.every ? ['QRCode', 'DataMatrix', 'Code128', 'Code39', 'EAN13'] : ['QRCode'],
      tryHarder: true, tryRotate: true, tryInvert: true, maxNumberOfSymbols: asked.most || 4,
    });
  }).then(function (found) {
    var texts = found.filter(function (one) { return one.isValid !== false && one.text; })
      .map(function (one) { return one.text; });
    self.postMessage({ id: asked.id, texts: texts });
  }, function (error) { self.postMessage({ id: asked.id, texts: [], failed: String(error) }); });
};

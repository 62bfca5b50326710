/* What takes longer than a second says so, for how long already, and how much has come. ES2017. */
(function () {
  'use strict';
  var PATIENCE = 1000, LONGEST = 120000;
  // Files to take home. Other papers open in the window; small things are there at once.
  var FILE = /\.(csv|xlsx|zip|zpl|tspl)$|^\/income\/.*\.pdf$|^\/labels\/printed\/.*\/file$|^\/audit\/bundle$/;
  var SMALL = /^\/(files\/|ca|audit\/(checkpoint|stamp))/;
  var box, timer, since = 0, stop = null, got = 0, size = 0, name = '';

  function seconds() { return Math.round((Date.now() - since) / 1000); }
  function megabytes(n) { return (n / 1048576).toFixed(1); }

  function tell() {
    if (!stop && Date.now() - since > LONGEST) { end(); return; }
    var said = name ? (got ? box.dataset.coming : box.dataset.making) : box.dataset.working;
    box.querySelector('[data-said]').textContent = said.replace('{name}', name).replace('{s}', seconds()).replace('{mb}', megabytes(got)) +
      (size ? ' / ' + megabytes(size) + ' MB' : '');
    var bar = box.querySelector('progress');
    if (size && got) { bar.max = size; bar.value = got; } else { bar.removeAttribute('value'); }
    box.hidden = false;
  }
  function begin(what, ending) {
    if (stop && !ending) { return; } // a file that is on its way is what there is to tell
    end();
    name = what; stop = ending; got = size = 0; since = Date.now();
    timer = window.setInterval(tell, PATIENCE);
  }
  function end() {
    window.clearInterval(timer);
    timer = 0; stop = null;
    if (box) { box.hidden = true; }
  }

  // A file is fetched beside the page, which stays as it is and can be used meanwhile.
  function fetched(address, called) {
    var ending = new AbortController(), parts = [];
    var last = new URL(address).pathname.split('/').pop();
    begin(last.indexOf('.') > 0 ? last : called, ending);
    fetch(address, { credentials: 'same-origin', signal: ending.signal }).then(function (answer) {
      var told = /filename="([^"]+)"/.exec(answer.headers.get('Content-Disposition') || '');
      if (!answer.ok || !told) { end(); window.location.href = address; return null; }
      name = told[1];
      // What came packed says how long it is packed, which says nothing of what is to come.
      size = answer.headers.get('Content-Encoding') ? 0 : +answer.headers.get('Content-Length') || 0;
      var reader = answer.body.getReader();
      function more(piece) {
        if (piece.done) { return new Blob(parts, { type: answer.headers.get('Content-Type') }); }
        parts.push(piece.value);
        got += piece.value.length;
        return reader.read().then(more);
      }
      return reader.read().then(more).then(function (blob) {
        var given = document.createElement('a');
        given.href = URL.createObjectURL(blob);
        given.download = name;
        given.click();
        window.setTimeout(function () { URL.revokeObjectURL(given.href); }, 60000);
        end();
      });
    }).catch(function (problem) {
      end();
      // The line broke: the browser's own way, with its own words for what is wrong.
      if (problem.name !== 'AbortError') { window.location.href = address; }
    });
  }

  document.addEventListener('click', function (event) {
    var link = event.target.closest && event.target.closest('a[href]');
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target) { return; }
    if (link.origin !== window.location.origin) { return; }
    if (FILE.test(link.pathname) && !link.hasAttribute('download') && window.AbortController) {
      event.preventDefault();
      fetched(link.href, link.textContent.trim());
    } else if (!FILE.test(link.pathname) && !SMALL.test(link.pathname) && !link.hasAttribute('download') &&
        (link.pathname !== window.location.pathname || link.search !== window.location.search)) {
      begin('', null);
    }
  });
  // A form that was sent, and a list that is being asked again.
  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.hasAttribute('hx-get')) { return; }
    var to = new URL(form.getAttribute('action') || '', window.location.href);
    if (form.method === 'get' && FILE.test(to.pathname) && window.AbortController) {
      event.preventDefault();
      to.search = new URLSearchParams(new FormData(form)).toString();
      fetched(to.href, to.pathname.split('/').pop());
    } else { begin('', null); }
  });
  document.addEventListener('htmx:beforeRequest', function (event) {
    if (!event.target.closest('[hx-trigger^=every]')) { begin('', null); }
  });
  document.addEventListener('htmx:afterRequest', function () { if (!name) { end(); } });
  window.addEventListener('pageshow', end);
  document.addEventListener('DOMContentLoaded', function () {
    box = document.getElementById('busy');
    if (box) { box.querySelector('button').addEventListener('click', function () { if (stop) { stop.abort(); } else { window.stop(); } end(); }); }
  });
}());

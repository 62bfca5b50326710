/* Small conveniences; every page works without them. ES2017: handhelds have old engines. */
(function () {
  'use strict';
  function typing(target) {
    return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;
  }
  document.addEventListener('keydown', function (event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) { return; }
    var search = document.getElementById('search');
    if (event.key === '/' && search && !typing(event.target)) {
      event.preventDefault();
      search.focus();
    }
    keys(event);
    if (event.key === 'Escape') {
      document.querySelectorAll('details.menu[open]').forEach(function (menu) { menu.open = false; });
    }
  });
  // Rows with j and k, pages with n and p, other lists with g and a letter, help with a question mark.
  var going = 0;
  function keys(event) {
    var help = document.getElementById('keys');
    if (typing(event.target) && event.target.type !== 'checkbox' || event.defaultPrevented) { return; }
    if (event.key === '?' && help && help.showModal) {
      event.preventDefault();
      if (help.open) { help.close(); } else { help.showModal(); }
      return;
    }
    if (document.querySelector('dialog[open]')) { return; }
    if (Date.now() - going < 1500) {
      going = 0;
      var link = help && help.querySelector('[data-go="' + event.key.replace(/[^a-z]/g, '') + '"]');
      if (link) { event.preventDefault(); window.location.href = link.href; }
      return;
    }
    if (event.key === 'g') { going = Date.now(); return; }
    var links = Array.prototype.map.call(document.querySelectorAll('[data-rows] tbody tr'), function (row) {
      return row.querySelector('td a[href], th a[href]');
    }).filter(Boolean);
    var here = links.findIndex(function (one) { return one.closest('tr').contains(document.activeElement); });
    if ((event.key === 'j' || event.key === 'k') && links.length) {
      event.preventDefault();
      var next = event.key === 'j' ? here + 1 : here < 0 ? links.length - 1 : here - 1;
      links[Math.max(0, Math.min(links.length - 1, next))].focus();
    }
    if (event.key === 'x' && here >= 0) {
      var box = links[here].closest('tr').querySelector('input[type=checkbox]');
      if (box) { event.preventDefault(); box.click(); }
    }
    var page = event.key === 'n' ? document.querySelector('a[rel=next]') : event.key === 'p' ? document.querySelector('a[rel=first]') : null;
    if (page) { page.click(); }
  }
  // How many rows are chosen, where a step takes many.
  function count(form) {
    var said = form && form.querySelector('[data-chosen]');
    if (!said) { return; }
    var boxes = form.querySelectorAll('[data-rows] tbody input[type=checkbox]');
    var n = 0;
    Array.prototype.forEach.call(boxes, function (box) {
      n += box.checked ? 1 : 0;
      box.closest('tr').classList.toggle('is-picked', box.checked);
    });
    said.textContent = n ? said.dataset.said.replace('{n}', n) : '';
    var all = form.querySelector('[data-pick-all]');
    if (all) { all.checked = n > 0 && n === boxes.length; all.indeterminate = n > 0 && n < boxes.length; }
  }
  document.addEventListener('change', function (event) {
    if (event.target.matches('[data-pick-all]')) {
      event.target.closest('table').querySelectorAll('tbody input[type=checkbox]').forEach(function (box) {
        box.checked = event.target.checked;
      });
    }
    if (event.target.type === 'checkbox') { count(event.target.form); }
  });
  document.addEventListener('DOMContentLoaded', function () {
    // What must be mended first has the keyboard; a menu that an address names is open.
    var wrong = document.querySelector('main [aria-invalid=true], main [data-focus]');
    if (wrong) { wrong.focus(); }
    var named = /^#[a-z-]+$/.test(window.location.hash) && document.querySelector(window.location.hash);
    if (named && named.matches('details.menu')) { named.open = true; }
  });
  document.addEventListener('click', function (event) {
    document.querySelectorAll('details.menu[open]').forEach(function (menu) {
      if (!menu.contains(event.target)) { menu.open = false; }
    });
    var print = event.target.closest('[data-print]');
    if (print) { window.print(); }
  });
  // A second press of a submit button must not ask twice; the key would answer, but why wait.
  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.matches('[data-once]')) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = 'yes';
      var button = form.querySelector('button:not([type=button])');
      if (button && form.dataset.busy) { button.textContent = form.dataset.busy; }
    }
    // Empty questions do not belong in an address that people share.
    if (form.method === 'get') {
      Array.prototype.forEach.call(form.elements, function (field) {
        if (field.name && field.value === '' && !field.disabled) {
          field.disabled = true;
          window.setTimeout(function () { field.disabled = false; }, 0);
        }
      });
    }
  });
  window.addEventListener('pageshow', function () {
    document.querySelectorAll('form[data-sent]').forEach(function (form) { delete form.dataset.sent; });
  });
  document.addEventListener('htmx:configRequest', function (event) {
    var asked = event.detail.parameters;
    Object.keys(asked).forEach(function (name) { if (asked[name] === '') { delete asked[name]; } });
  });
  // A slider beside a date: its right end is now, so the date is empty there.
  var DAY = 864e5;
  function sliders(root) {
    root.querySelectorAll('input[type=range][data-sets]').forEach(function (slider) {
      var field = slider.form && slider.form.elements[slider.dataset.sets];
      var start = Date.parse(slider.dataset.start), end = Date.parse(slider.dataset.end);
      if (!field || field.type !== 'date' || !(end > start)) { return; }
      slider.min = 0;
      slider.max = Math.round((end - start) / DAY);
      slider.value = field.value ? Math.round((Date.parse(field.value) - start) / DAY) : slider.max;
      slider.hidden = false;
      slider.addEventListener('input', function () {
        var now = slider.value === slider.max;
        field.value = now ? '' : new Date(start + slider.value * DAY).toISOString().slice(0, 10);
      });
      slider.addEventListener('change', function () {
        if (slider.form.hasAttribute('hx-get')) { return; }
        slider.form.querySelector('button').click();
      });
    });
  }
  document.addEventListener('DOMContentLoaded', function () { sliders(document); });
  // A refusal is a page worth reading, too.
  document.addEventListener('htmx:beforeSwap', function (event) {
    if (event.detail.xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
})();

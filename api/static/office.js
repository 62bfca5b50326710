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
    if (event.key === 'Escape') {
      document.querySelectorAll('details.menu[open]').forEach(function (menu) { menu.open = false; });
    }
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

/* Keys of the inbox: a agree, r send back, x refuse, j and k go on and back. ES2017. */
(function () {
  'use strict';
  function typing(target) {
    return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== 'checkbox';
  }
  function unfold(id) {
    var details = document.getElementById(id);
    if (!details) { return; }
    details.open = true;
    var field = details.querySelector('textarea, input:not([type=hidden])');
    if (field) { field.focus(); }
  }
  document.addEventListener('keydown', function (event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) { return; }
    if (typing(event.target)) { return; }
    if (event.key === 'a') {
      var button = document.querySelector('#agree-form > button');
      if (button) { event.preventDefault(); button.click(); }
    } else if (event.key === 'r' || event.key === 'x') {
      event.preventDefault();
      unfold(event.key === 'r' ? 'back' : 'refuse');
    } else if (event.key === 'j' || event.key === 'k') {
      var link = document.querySelector('[data-key="' + event.key + '"]') ||
        (event.key === 'j' && document.querySelector('[data-matter]'));
      if (link) { event.preventDefault(); link.click(); }
    }
  });
  document.addEventListener('click', function (event) {
    var chip = event.target.closest('[data-reason]');
    if (!chip) { return; }
    var field = chip.form.elements.reason;
    if (field) { field.value = chip.dataset.reason; field.focus(); }
  });
})();

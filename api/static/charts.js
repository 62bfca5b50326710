/* Enlarge a chart: the library is large, so it is fetched when somebody asks, not before. */
(function () {
  'use strict';
  var LIBRARY = '/static/vendor/echarts.min.js';
  var waiting = null;
  function library(then) {
    if (window.echarts) { then(); return; }
    if (waiting) { waiting.push(then); return; }
    waiting = [then];
    var script = document.createElement('script');
    script.src = LIBRARY;
    script.onload = function () { waiting.forEach(function (one) { one(); }); waiting = null; };
    script.onerror = function () { waiting = null; };
    document.head.appendChild(script);
  }
  function option(chart, ink, wide) {
    var labels = chart.points.map(function (point) { return point.label; });
    var lying = chart.kind === 'bars';
    var names = {
      type: 'category', data: labels, inverse: lying, axisTick: { show: false },
      axisLabel: { color: ink, fontSize: 14, width: wide * 0.35, overflow: lying ? 'truncate' : 'none' }
    };
    var scale = { type: 'value', max: chart.top, axisLabel: { show: false }, splitLine: { lineStyle: { opacity: 0.3 } } };
    var line = chart.kind === 'line';
    return {
      animation: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
      animationDuration: 300,
      grid: { left: 8, right: 24, top: 24, bottom: 8, containLabel: true },
      tooltip: {
        renderMode: 'richText', trigger: lying ? 'item' : 'axis',
        formatter: function (of) {
          var point = chart.points[(of.length ? of[0] : of).dataIndex];
          return point.label + '\n' + point.said;
        }
      },
      xAxis: lying ? scale : names,
      yAxis: lying ? names : scale,
      series: [{
        type: line ? 'line' : 'bar', cursor: 'pointer', barMaxWidth: 36, symbolSize: 10,
        itemStyle: { color: '#2f74b5' }, lineStyle: { color: '#2f74b5', width: 3 },
        data: chart.points.map(function (point) { return point.value; }),
        label: {
          show: lying, position: 'insideLeft', color: ink, fontSize: 14,
          formatter: function (of) { return chart.points[of.dataIndex].said; }
        }
      }]
    };
  }
  function enlarge(figure, button) {
    var chart = JSON.parse(figure.dataset.chart);
    var box = document.createElement('dialog');
    box.className = 'box chart-wide';
    box.setAttribute('aria-label', chart.title);
    var head = document.createElement('form');
    head.method = 'dialog';
    head.className = 'd-flex align-items-center gap-2';
    var title = document.createElement('h2');
    title.className = 'h5 me-auto mb-0';
    title.textContent = chart.title;
    var close = document.createElement('button');
    close.className = 'btn btn-outline-secondary';
    close.textContent = button.dataset.close;
    head.appendChild(title);
    head.appendChild(close);
    var canvas = document.createElement('div');
    canvas.className = 'chart-canvas';
    canvas.setAttribute('aria-hidden', 'true');
    box.appendChild(head);
    box.appendChild(canvas);
    document.body.appendChild(box);
    box.addEventListener('close', function () { box.remove(); button.focus(); });
    box.showModal();
    library(function () {
      var drawn = window.echarts.init(canvas, null, { renderer: 'svg' });
      drawn.setOption(option(chart, window.getComputedStyle(document.body).color, canvas.clientWidth));
      drawn.on('click', function (event) { window.location.href = chart.points[event.dataIndex].url; });
    });
  }
  function offer(root) {
    if (!window.HTMLDialogElement) { return; }
    root.querySelectorAll('[data-enlarge][hidden]').forEach(function (button) { button.hidden = false; });
  }
  document.addEventListener('click', function (event) {
    var button = event.target.closest('[data-enlarge]');
    if (button) { enlarge(button.closest('[data-chart]'), button); }
  });
  document.addEventListener('DOMContentLoaded', function () { offer(document); });
  document.addEventListener('htmx:afterSwap', function () { offer(document); });
})();

/* Draw every [data-chart] as bars; a click opens the list behind the bar. The table beside it says the same. */
(function () {
  'use strict';
  function draw(box) {
    var rows = JSON.parse(box.dataset.chart);
    var style = window.getComputedStyle(document.body);
    var ink = style.color;
    box.style.height = (rows.length * 30 + 30) + 'px';
    var chart = window.echarts.init(box, null, { renderer: 'svg' });
    var most = Math.max.apply(null, rows.map(function (row) { return row.count; }));
    chart.setOption({
      animation: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
      animationDuration: 300,
      grid: { left: 4, right: 60, top: 4, bottom: 4, containLabel: true },
      tooltip: { renderMode: 'richText', trigger: 'item' },
      xAxis: { type: 'value', show: false, max: most },
      yAxis: {
        type: 'category', inverse: true, data: rows.map(function (row) { return row.label; }),
        axisTick: { show: false }, axisLine: { show: false },
        axisLabel: { color: ink, fontSize: 13, width: Math.min(220, box.clientWidth * 0.45), overflow: 'truncate' }
      },
      series: [{
        type: 'bar', barMaxWidth: 18, cursor: 'pointer', itemStyle: { color: '#3b82c4' },
        data: rows.map(function (row) { return row.count; }),
        label: { show: true, position: 'right', color: ink, formatter: function (p) { return p.value.toLocaleString(); } }
      }]
    });
    chart.on('click', function (event) { window.location.href = rows[event.dataIndex].url; });
    window.addEventListener('resize', function () { chart.resize(); });
  }
  document.addEventListener('DOMContentLoaded', function () {
    document.querySelectorAll('[data-chart]').forEach(draw);
  });
})();

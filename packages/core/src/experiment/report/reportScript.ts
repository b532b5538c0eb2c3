/**
 * The script of a report: tooltips of charts and sorting of tables. Everything can be read without it. It makes
 * elements and text nodes only, never HTML from data.
 */
export const REPORT_SCRIPT = `
'use strict';
(() => {
  const svgName = 'http://www.w3.org/2000/svg';
  const make = (tag, text, parent) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const show = (value) => {
    if (value === null) return '-';
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e6) return String(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  };
  const nearest = (list, value) => {
    let low = 0;
    let high = list.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle] < value) low = middle; else high = middle;
    }
    return Math.abs(list[low] - value) <= Math.abs(list[high] - value) ? low : high;
  };
  for (const chart of document.querySelectorAll('[data-chart]')) {
    const data = JSON.parse(chart.querySelector('script.data').textContent);
    const tooltip = chart.querySelector('.tooltip');
    for (const svg of chart.querySelectorAll('.plot > svg')) {
      const places = JSON.parse(chart.querySelector('script.places[data-scale=' + svg.dataset.scale + ']').textContent);
      const cursor = svg.querySelector('.cursor');
      const dots = places.map((_, index) => {
        const dot = document.createElementNS(svgName, 'circle');
        dot.setAttribute('r', '4');
        dot.setAttribute('class', 'dot');
        dot.style.fill = 'var(--s' + (index % 8) + ')';
        dot.style.display = 'none';
        svg.append(dot);
        return dot;
      });
      const hide = () => {
        tooltip.hidden = true;
        cursor.setAttribute('hidden', '');
        for (const dot of dots) dot.style.display = 'none';
      };
      svg.addEventListener('pointerleave', hide);
      svg.addEventListener('pointermove', (event) => {
        const box = svg.getBoundingClientRect();
        const width = svg.viewBox.baseVal.width;
        const x = ((event.clientX - box.left) / box.width) * width;
        let at;
        for (const { x: list } of places) {
          if (list.length === 0) continue;
          const found = list[nearest(list, x)];
          if (at === undefined || Math.abs(found - x) < Math.abs(at - x)) at = found;
        }
        if (at === undefined) return;
        tooltip.replaceChildren();
        const table = make('table', undefined, tooltip);
        const caption = make('caption', '', table);
        places.forEach(({ x: list, y }, index) => {
          const point = list.length === 0 ? -1 : nearest(list, at);
          const near = point >= 0 && Math.abs(list[point] - at) < 6;
          dots[index].style.display = near && y[point] !== null ? '' : 'none';
          if (!near) return;
          dots[index].setAttribute('cx', list[point]);
          dots[index].setAttribute('cy', y[point] ?? 0);
          caption.textContent = data.xLabel + ' ' + show(data.series[index].x[point]);
          const row = make('tr', undefined, table);
          const head = make('th', undefined, row);
          const mark = make('i', undefined, head);
          mark.style.background = 'var(--s' + (index % 8) + ')';
          head.append(data.series[index].name);
          make('td', show(data.series[index].y[point]), row);
        });
        cursor.removeAttribute('hidden');
        cursor.setAttribute('x1', at);
        cursor.setAttribute('x2', at);
        tooltip.hidden = false;
        const left = (at / width) * box.width;
        const right = left + 14 + tooltip.offsetWidth > box.width;
        tooltip.style.left = (right ? Math.max(0, left - 14 - tooltip.offsetWidth) : left + 14) + 'px';
      });
    }
  }
  for (const table of document.querySelectorAll('table.data')) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector('button')?.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        for (const other of heads) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
        const rows = [...body.rows].sort((a, b) => {
          const [p, q] = [key(a), key(b)];
          const numbers = p !== '' && q !== '' && !Number.isNaN(Number(p)) && !Number.isNaN(Number(q));
          const order = numbers ? Number(p) - Number(q) : p.localeCompare(q);
          return down ? -order : order;
        });
        body.append(...rows);
      });
    });
  }
})();
`

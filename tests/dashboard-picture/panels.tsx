// Draws the panels of components/monitoring/dashboard.json, which are Grafana's, with the panels of Perses.
import { CssBaseline, ThemeProvider } from '@mui/material';
import { ChartsProvider, SnackbarProvider, generateChartsTheme, getTheme } from '@perses-dev/components';
import { DatasourceStoreProvider, Panel, VariableProvider } from '@perses-dev/dashboards';
import {
  DataQueriesProvider,
  PluginRegistry,
  TimeRangeProvider,
  dynamicImportPluginLoader,
} from '@perses-dev/plugin-system';
import * as prometheus from '@perses-dev/prometheus-plugin';
import * as stat from '@perses-dev/stat-chart-plugin';
import * as timeSeries from '@perses-dev/timeseries-chart-plugin';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { getInstanceByDom, use } from 'echarts/core';
import { MarkLineComponent } from 'echarts/components';
import { createRoot } from 'react-dom/client';
import { MemoryRouter } from 'react-router-dom';
import dashboard from '../../components/monitoring/dashboard.json';

declare global {
  interface Window {
    settings: { prometheus: string; namespace: string; minutes: number };
    missing: () => string[];
    finish: () => Promise<void>;
  }
}
const { settings } = window;
const duration = `${settings.minutes}m`;

// In the units of Grafana's grid: 24 columns, and rows of 30 pixels, with 8 pixels between panels.
const COLUMN = window.innerWidth / 24;
const ROW = 38;
const GAP = 8;

const UNITS: Record<string, string> = {
  bytes: 'bytes',
  none: 'decimal',
  ops: 'ops/sec',
  percentunit: 'percent-decimal',
  reqps: 'requests/sec',
  s: 'seconds',
  short: 'decimal',
};
const COLORS: Record<string, string> = { green: '#2e7d32', orange: '#ed6c02', red: '#d32f2f' };

const expression = (text: string) =>
  text.replaceAll('$namespace', settings.namespace).replaceAll('$__rate_interval', '1m');

const query = ({ expr, legendFormat }: any) => ({
  kind: 'PrometheusTimeSeriesQuery',
  spec: { query: expression(expr), ...(legendFormat && { seriesNameFormat: legendFormat }) },
});

function statSpec({ unit, decimals, thresholds, mappings }: any) {
  const [lowest, ...steps] = thresholds.steps;
  return {
    calculation: 'last-number',
    valueFontSize: 30,
    format: { unit: UNITS[unit], decimalPlaces: decimals },
    thresholds: {
      defaultColor: COLORS[lowest.color],
      steps: steps.map(({ value, color }: any) => ({ value, color: COLORS[color] })),
    },
    mappings: (mappings ?? []).flatMap(({ options }: any) =>
      Object.entries<any>(options).map(([value, { text }]) => ({
        kind: 'Value',
        spec: { value, result: { value: text } },
      })),
    ),
  };
}

const timeSeriesSpec = ({ unit, min }: any) => ({
  legend: { position: 'bottom', mode: 'list' },
  yAxis: { min, format: { unit: UNITS[unit], shortValues: unit === 'bytes' } },
  visual: { lineWidth: 1.5, palette: { mode: 'categorical' } },
});

/** Shorter labels of an axis than Perses has for these units. */
const LABELS: Record<string, (value: number) => string> = {
  ops: (value) => `${value} ops/s`,
  reqps: (value) => `${value} req/s`,
  short: (value) => `${value}`,
};

function GrafanaPanel({ panel }: any) {
  const { title, type, gridPos, fieldConfig, targets } = panel;
  const plugin =
    type === 'stat'
      ? { kind: 'StatChart', spec: statSpec(fieldConfig.defaults) }
      : { kind: 'TimeSeriesChart', spec: timeSeriesSpec(fieldConfig.defaults) };
  const definitions = targets.map(query);
  const definition: any = {
    kind: 'Panel',
    spec: {
      display: { name: title },
      plugin,
      queries: definitions.map((definition: any) => ({ kind: 'TimeSeriesQuery', spec: { plugin: definition } })),
    },
  };
  return (
    <div
      className="cell"
      data-kind={plugin.kind}
      data-unit={fieldConfig.defaults.unit}
      style={{
        left: gridPos.x * COLUMN + GAP / 2,
        top: gridPos.y * ROW + GAP / 2,
        width: gridPos.w * COLUMN - GAP,
        height: gridPos.h * ROW - GAP,
      }}
    >
      <h2>{title}</h2>
      <DataQueriesProvider definitions={definitions}>
        <Panel definition={definition} panelOptions={{ hideHeader: true }} />
      </DataQueriesProvider>
    </div>
  );
}

/** The starts of backends, in milliseconds. */
async function annotations(): Promise<number[]> {
  const [{ expr }] = dashboard.annotations.list;
  const end = Date.now() / 1000;
  const range = { query: expression(expr), start: `${end - settings.minutes * 60}`, end: `${end}`, step: '15' };
  const response = await fetch(`${settings.prometheus}/api/v1/query_range?${new URLSearchParams(range)}`);
  const starts = (await response.json()).data.result.flatMap(({ values }: any) =>
    values.map(([, value]: any) => Number(value)),
  );
  return [...new Set<number>(starts)].filter((start) => start / 1000 > end - settings.minutes * 60);
}

const cells = () => [...document.querySelectorAll<HTMLElement>('.cell')];

/** The chart in a cell, if it has lines. */
function chartWithLines(cell: HTMLElement) {
  const element = cell.querySelector<HTMLElement>('[_echarts_instance_]');
  const chart = element && getInstanceByDom(element);
  return (chart?.getOption().series as any[])?.[0]?.type === 'line' ? chart : undefined;
}

const isDrawn = (cell: HTMLElement) =>
  cell.dataset.kind === 'StatChart' ? cell.querySelector('section')?.innerText : chartWithLines(cell);

/** The titles of the panels that have no data, or not yet. */
window.missing = () =>
  cells()
    .filter((cell) => !isDrawn(cell) || cell.innerText.includes('No data'))
    .map((cell) => cell.querySelector('h2')!.innerText);

/** Perses has no annotations and few options for axes. This changes its charts, which are those of ECharts. */
window.finish = async () => {
  use(MarkLineComponent);
  const markLine = {
    data: (await annotations()).map((start) => ({ xAxis: start })),
    symbol: 'none',
    animation: false,
    label: { show: false },
    lineStyle: { color: '#1976d2' },
  };
  for (const cell of cells()) {
    const chart = chartWithLines(cell);
    const formatter = LABELS[cell.dataset.unit!];
    chart?.setOption({
      xAxis: { axisLabel: { hideOverlap: true, margin: 8 } },
      yAxis: { splitNumber: 3, axisLabel: { margin: 8, ...(formatter && { formatter }) } },
      series: [{ id: (chart.getOption().series as any[])[0].id, markLine }],
    });
  }
};

const datasource = {
  kind: 'GlobalDatasource',
  metadata: { name: 'prometheus' },
  spec: {
    default: true,
    plugin: { kind: 'PrometheusDatasource', spec: { directUrl: settings.prometheus, scrapeInterval: '5s' } },
  },
};
const datasources: any = {
  getDatasource: async () => undefined,
  listDatasources: async () => [],
  getGlobalDatasource: async () => datasource,
  listGlobalDatasources: async () => [datasource],
  buildProxyUrl: () => '',
};
const plugins = dynamicImportPluginLoader(
  [prometheus, timeSeries, stat].map((plugin: any) => ({
    resource: plugin.getPluginModule(),
    importPlugin: async () => plugin,
  })),
);
const theme = getTheme('light');
const resource: any = {
  kind: 'Dashboard',
  metadata: { name: 'dashboard', project: 'project' },
  spec: { datasources: {}, panels: {}, layouts: [], duration },
};
// Otherwise it would wait for a network that a machine without a route to the outside does not have.
const client = new QueryClient({ defaultOptions: { queries: { networkMode: 'always', retry: 0 } } });

createRoot(document.getElementById('root')!).render(
  <MemoryRouter>
    <ThemeProvider theme={theme}>
      <CssBaseline />
      <ChartsProvider chartsTheme={generateChartsTheme(theme, {})}>
        <SnackbarProvider>
          <QueryClientProvider client={client}>
            <PluginRegistry
              pluginLoader={plugins}
              defaultPluginKinds={{ Panel: 'TimeSeriesChart', TimeSeriesQuery: 'PrometheusTimeSeriesQuery' }}
            >
              <TimeRangeProvider timeRange={{ pastDuration: duration as any }} refreshInterval="0s">
                <VariableProvider>
                  <DatasourceStoreProvider datasourceApi={datasources} dashboardResource={resource}>
                    {dashboard.panels.map((panel) => (
                      <GrafanaPanel key={panel.title} panel={panel} />
                    ))}
                  </DatasourceStoreProvider>
                </VariableProvider>
              </TimeRangeProvider>
            </PluginRegistry>
          </QueryClientProvider>
        </SnackbarProvider>
      </ChartsProvider>
    </ThemeProvider>
  </MemoryRouter>,
);

// Draws docs/dashboard.png with the data of a Prometheus: npm run draw -- http://localhost:9090 [namespace] [minutes]
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const [prometheus, namespace = 'user-counter', minutes = '15'] = process.argv.slice(2);
if (!prometheus) {
  throw new Error('The address of a Prometheus is missing, such as http://localhost:9090');
}
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

// The plugins must share one copy of these libraries with the page, since React finds a provider by its identity.
const shared = [
  '@perses-dev/components',
  '@perses-dev/core',
  '@perses-dev/dashboards',
  '@perses-dev/plugin-system',
  '@tanstack/react-query',
  'echarts',
  'react-router-dom',
];
const { outputFiles } = await build({
  entryPoints: [path('panels.tsx')],
  bundle: true,
  write: false,
  outdir: 'out',
  format: 'iife',
  jsx: 'automatic',
  mainFields: ['module', 'main'],
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.svg': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  alias: Object.fromEntries(shared.map((name) => [name, path(`node_modules/${name}`)])),
  logLevel: 'error',
});
const STYLE = `
  html, body { background: #f4f5f5 !important }
  .cell { position: absolute; display: flex; flex-direction: column; background: #fff; border: 1px solid #ddd; border-radius: 2px }
  .cell h2 { font: 600 13px Lato, sans-serif; margin: 0; padding: 8px 10px 0; flex: none }
  .cell ul * { font-size: 11px !important; line-height: 16px !important }
  .cell ul > * > * { margin-top: 1px; margin-bottom: 1px }
  .cell > section { flex: 1 1 0; height: 0 !important; border: 0 !important }
`;
const output = (type) => outputFiles.find((file) => file.path.endsWith(type)).text;

const program = execFileSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], {
  encoding: 'utf8',
}).trim();
// By default a Prometheus lets no page of another origin read its data. Chromium has no sandbox for root in a container.
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-web-security'] });
try {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.on('pageerror', (error) => console.error(error));
  await page.setContent('<div id="root"></div>');
  await page.evaluate((settings) => Object.assign(window, { settings }), {
    prometheus,
    namespace,
    minutes: Number(minutes),
  });
  await page.addStyleTag({ content: output('.css') + STYLE });
  await page.addScriptTag({ content: output('.js') });

  await page
    .waitForFunction(() => window.missing().length === 0, undefined, { timeout: 60_000, polling: 500 })
    .catch(async () => {
      throw new Error(`Panels without data: ${(await page.evaluate(() => window.missing())).join(', ')}`);
    });
  await page.evaluate(() => window.finish());
  await page.waitForTimeout(1000); // for the animations of the charts
  await page.screenshot({ path: path('../../docs/dashboard.png') });
} finally {
  await browser.close();
}

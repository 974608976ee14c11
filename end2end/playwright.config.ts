import { defineConfig } from "@playwright/test";

// Run by dev/test, which names the server and the browser:
//   E2E_SERVER  the postern binary        E2E_SITE  its site's files, unless it carries them
//   CHROMIUM    a browser; without it, Playwright's own
//   E2E_INSTEAD  what to do instead of the tests: shots, first-load, or parts (tests of a release site)
const instead = process.env.E2E_INSTEAD;

export default defineConfig({
  testDir: "./tests",
  testMatch: instead ? `${instead}.ts` : "*.spec.ts",
  outputDir: "./test-results",
  // One at a time: every spec file has its own servers, and two cores to share.
  workers: 1,
  fullyParallel: false,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  reporter: [["list"]],
  use: {
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM || undefined,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});

// Not a test: how heavy and how quick the first load of a page is, beside the same page without its program.
//   dev/bench page   runs it against dist/postern
import { Browser, CDPSession } from "@playwright/test";
import { loadavg } from "node:os";
import { Dashboard } from "../support/dashboard";
import { everyPage } from "../support/places";
import { freshWorld, openPlain, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const ROUNDS = 7;
const SLOWER = 4;
const PAGES = ["overview", "consumer", "service", "references"];

interface Load {
  kilobytes: number;
  files: number;
  /** Largest Contentful Paint, and the moment the page reacts: milliseconds since the navigation began. */
  painted: number;
  reacts: number;
}

const world = freshWorld();

test("first load", async ({ browser, page, complaints }) => {
  complaints.expect(/./); // which are not the matter here
  test.setTimeout(900_000);
  await followTutorial(world, new Dashboard(page, world.postern.dashboard));
  await page.close();
  const places = (await everyPage(world.postern.dashboard)).filter((place) => PAGES.includes(place.name));
  console.log(`Load average ${loadavg()[0].toFixed(1)}. Medians of ${ROUNDS} rounds, processor slowed ${SLOWER} times.\n`);
  console.log("| page | KB sent | files | LCP ms | LCP : without program | reacts after ms | after LCP ms |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const place of places) {
    const address = world.postern.dashboard + place.path;
    const rounds: { whole: Load; bare: Load }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({ whole: await load(browser, address, true), bare: await load(browser, address, false) });
    }
    const of = (read: (round: { whole: Load; bare: Load }) => number) => median(rounds.map(read));
    const cells = [
      place.name,
      of(({ whole }) => whole.kilobytes).toFixed(0),
      of(({ whole }) => whole.files).toFixed(0),
      of(({ whole }) => whole.painted).toFixed(0),
      of(({ whole, bare }) => whole.painted / bare.painted).toFixed(2),
      of(({ whole }) => whole.reacts).toFixed(0),
      of(({ whole }) => whole.reacts - whole.painted).toFixed(0),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
});

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** One load by a browser that knows nothing yet; without its program, the page is what the server has rendered. */
async function load(browser: Browser, address: string, program: boolean): Promise<Load> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  await devtools.send("Network.enable");
  if (!program) await devtools.send("Network.setBlockedURLs", { urls: ["*/pkg/*.js", "*/pkg/*.wasm"] });
  const sent = weigh(devtools);
  await page.addInitScript(watch);
  await openPlain(page, address);
  if (program) await page.waitForFunction(() => document.documentElement.hasAttribute("data-hydrated"));
  const { painted, reacts } = await page.evaluate(
    () =>
      new Promise<{ painted: number; reacts: number }>((resolve) => {
        // A paint is reported some frames after it was made.
        const look = () => {
          const { painted, reacts } = window as unknown as { painted?: number; reacts?: number };
          if (painted) resolve({ painted, reacts: reacts ?? 0 });
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  await context.close();
  return { ...sent, painted, reacts };
}

/** Counts what arrives, as it was sent: compressed, with its headers. */
function weigh(devtools: CDPSession) {
  const sent = { kilobytes: 0, files: 0 };
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
    sent.kilobytes += encodedDataLength / 1000;
    sent.files += 1;
  });
  return sent;
}

/** Runs in the page before anything else. */
function watch() {
  const seen = window as unknown as { painted?: number; reacts?: number };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.painted = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  const mark = new MutationObserver(() => {
    if (document.documentElement?.hasAttribute("data-hydrated")) seen.reacts ??= performance.now();
  });
  mark.observe(document, { attributes: true, subtree: true, attributeFilter: ["data-hydrated"] });
}

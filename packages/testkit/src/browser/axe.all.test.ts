import { expect, it } from "vitest";

import { axeFindings } from "./axe.ts";
import { startBrowser } from "./browser.ts";
import { findChromium } from "./chromium.ts";

const FINE = `<!doctype html><html lang="en"><title>Fine</title><main><h1>Fine</h1></main>`;
const WRONG = `<img src="data:,"><p style="color: #ccc; background: #fff">Too pale</p>`;

it.skipIf(findChromium() === null && process.env["CI"] !== "true")(
	"is objected to by axe, in a page and in its frames",
	async () => {
		await using browser = await startBrowser();
		await using person = await browser.person();
		const page = await person.tab("about:blank");
		await page.setContent(FINE);
		expect(await axeFindings(page)).toEqual([]);
		await page.setContent(FINE.replace("</main>", `${WRONG}</main>`));
		expect((await axeFindings(page)).toSorted()).toEqual([
			expect.stringMatching(/^color-contrast: p: .* contrast of 1\.6 /),
			expect.stringMatching(/^image-alt: img: /),
		]);
		await page.setContent(FINE.replace("</main>", `<iframe title="Inner"></iframe></main>`));
		await page.frames()[1]!.setContent(`<!doctype html><html lang="en"><title>Inner</title>${WRONG}`);
		expect((await axeFindings(page)).toSorted()).toEqual([
			expect.stringMatching(/^color-contrast: iframe p: .* contrast of 1\.6 /),
			expect.stringMatching(/^image-alt: iframe img: /),
		]);
	},
);

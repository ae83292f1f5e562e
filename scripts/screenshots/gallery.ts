// Where pictures are kept, and in which forms each is taken: light, dark, and on a phone.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Person, TestBrowser } from "@fanfare/testkit/browser/browser";
import type { Page } from "playwright-core";

const FOLDER = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const FORMS = [
	{ suffix: "", options: { scheme: "light", size: { width: 1_360, height: 850 } } },
	{ suffix: "-dark", options: { scheme: "dark", size: { width: 1_360, height: 850 } } },
	{ suffix: "-phone", options: { scheme: "light", size: { width: 360, height: 760 } } },
] as const;

/** Takes a picture of what the page shows as soon as nothing in it is still to come. */
type Take = (page: Page, name: string) => Promise<void>;
/** What is done in each form. */
type Look = (person: Person, take: Take, scheme: "light" | "dark") => Promise<void>;

export class Gallery {
	readonly #browser: TestBrowser;
	readonly #parts: readonly string[];

	/** `parts` are parts of the names that are wanted; all are if there are none. */
	constructor(browser: TestBrowser, parts: readonly string[]) {
		this.#browser = browser;
		this.#parts = parts;
		mkdirSync(FOLDER, { recursive: true });
	}

	wants(name: string): boolean {
		return this.#parts.length === 0 || this.#parts.some((part) => name.includes(part));
	}

	/** Lets somebody new look at the screens in each form, and prints what their browser objects to, unless it is expected. */
	async inEachForm(look: Look, isExpected: (problem: string) => boolean = () => false): Promise<void> {
		for (const { suffix, options } of FORMS) {
			await using person = await this.#browser.person(options);
			const take: Take = async (page, name) => {
				for (const frame of page.frames()) await frame.locator(".shimmer").first().waitFor({ state: "detached" });
				await page.mouse.move(0, 0);
				await page.screenshot({ path: `${FOLDER}${name}${suffix}.png` });
				console.log(`docs/images/${name}${suffix}.png`);
			};
			await look(person, take, options.scheme);
			for (const problem of person.problems.filter((one) => !isExpected(one))) console.error(problem);
		}
	}
}

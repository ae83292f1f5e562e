// What the tests of dialogs share, for the page and for the portal: which files have some, how they are opened, and how axe looks at them.
import { globSync, readFileSync } from "node:fs";

import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** All rules that axe has, or those that depend on the colours: see `every-screen.all.test.ts`. */
const FORMS = [
	["dark", 360, undefined],
	["light", 1_280, ["color-contrast"]],
] as const;

type Opener = (page: Page) => Promise<void>;

export interface Dialog {
	/** The file with the dialog, below the folder of the sources. */
	readonly file: string;
	readonly path: string;
	readonly open: Opener;
	/** How many of the file's dialogs it opens. Defaults to 1. */
	readonly opens?: number;
}

/** Clicks buttons, one after the other. */
export function button(...names: readonly (string | RegExp)[]): Opener {
	return async (page) => {
		for (const name of names) await page.getByRole("button", { name }).first().click();
	};
}

/** The files with more dialogs, found by `pattern`, than are opened, each with how many. Those that are tried elsewhere are left out. */
export function untried(
	sources: URL,
	pattern: RegExp,
	dialogs: readonly Dialog[],
	elsewhere: Readonly<Record<string, string>>,
): string[] {
	const left = globSync("**/*.tsx", { cwd: sources })
		.filter((file) => elsewhere[file] === undefined)
		.map((file) => {
			const found = [...readFileSync(new URL(file, sources), "utf8").matchAll(pattern)].length;
			const opened = dialogs.filter((dialog) => dialog.file === file).map(({ opens = 1 }) => opens);
			return [file, found - opened.reduce((sum, one) => sum + one, 0)] as const;
		});
	return left.filter(([, count]) => count > 0).map(([file, count]) => `${file}: ${count} more`);
}

interface LookOptions {
	/** The document while it has these colours. */
	readonly documentIn: (scheme: "dark" | "light") => string;
	/** By how many pixels what is open is wider than its place. */
	readonly beyond: () => Promise<number>;
}

/** What axe objects to while something is open, in dark colours on a phone and in light ones, and whether it is cut off. */
export async function problemsOf(page: Page, { documentIn, beyond }: LookOptions): Promise<unknown[]> {
	const problems: unknown[] = [];
	await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
	for (const [scheme, width, rules] of FORMS) {
		await page.emulateMedia({ colorScheme: scheme });
		await page.setViewportSize({ width, height: 800 });
		await page.locator(documentIn(scheme)).waitFor();
		const findings = await axeFindings(page, rules);
		const px = await beyond();
		if (findings.length > 0 || px > 0) problems.push({ scheme, width, beyond: px, findings });
	}
	return problems;
}

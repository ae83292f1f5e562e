// Checks a page with axe for the rules of WCAG 2.2 AA.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Half as long as `source` of the package, and each page that is checked has to get it and to compile it. */
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
/** A script that does nothing, for a page that has axe already. */
const NOTHING = "0";

/**
 * What axe objects to, one line for each element: the rule, the element, and what is wrong. Empty for a page that is fine. `rules` are the
 * only ones that are tried, such as `color-contrast` after all were tried in other colours; by default all of WCAG 2.2 AA are.
 */
export async function axeFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
	const isAlone = page.frames().length === 1;
	// The builder would load it anew twice for each check, which takes longer than most checks.
	if (isAlone && (await page.evaluate("typeof axe")) === "undefined") await page.evaluate(AXE);
	const axe = new AxeBuilder({ page, axeSource: isAlone ? NOTHING : AXE })
		// Without it, axe describes every element that is fine, too, which takes longer than the checks.
		.options({ resultTypes: ["violations"] })
		// In the page alone, in place of a second tab that puts the findings of its frames together.
		.setLegacyMode(isAlone);
	const { violations } = await (rules === undefined ? axe.withTags(TAGS) : axe.withRules([...rules])).analyze();
	return violations.flatMap(({ id, nodes }) =>
		nodes.map(
			({ target, failureSummary = "" }) => `${id}: ${target.join(" ")}: ${failureSummary.replaceAll(/\s+/g, " ")}`,
		),
	);
}

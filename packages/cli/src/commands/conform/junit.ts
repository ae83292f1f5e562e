// The results of `fanfare conform` as JUnit XML, which CI systems show.
import type { Graded } from "@fanfare/server/conformance";

/** Renders the results. */
export function junitOf(url: string, graded: readonly Graded[]): string {
	const count = (result: Graded["result"]) => graded.filter((one) => one.result === result).length;
	const totalMs = graded.reduce((sum, { durationMs }) => sum + durationMs, 0);
	const head = `<testsuite name="fanfare conform ${escaped(url)}" tests="${graded.length}" failures="${count("failed")}" skipped="${count("skipped")}" time="${seconds(totalMs)}">`;
	const cases = graded.map(({ name, title, result, problem, durationMs }) => {
		const start = `\t<testcase classname="conform" name="${escaped(`${name}: ${title}`)}" time="${seconds(durationMs)}"`;
		if (result === "skipped") return `${start}><skipped/></testcase>`;
		return problem === null ? `${start}/>` : `${start}><failure message="${escaped(problem)}"/></testcase>`;
	});
	return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...cases, "</testsuite>", ""].join("\n");
}

function seconds(ms: number): string {
	return (ms / 1_000).toFixed(3);
}

/** For an attribute. Control characters, which XML can't have, become spaces. */
function escaped(text: string): string {
	return text
		.replaceAll("&", "&amp;")
		.replaceAll("<", "&lt;")
		.replaceAll('"', "&quot;")
		.replaceAll(/\p{Cc}/gu, " ");
}

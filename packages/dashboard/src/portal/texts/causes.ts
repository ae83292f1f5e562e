// Why a try failed, in plain words: what every language has to say about each cause.
import type { AttemptCause } from "@fanfare/sdk";

/** What happened, and what to do about it. */
export type CauseText = readonly [what: string, cure: string];
export type Causes = Readonly<Record<AttemptCause, CauseText>>;

/** What is said about a cause; about one that this portal does not know yet, something general. */
export function causeText(
	{ causes, otherCause }: { readonly causes: Causes; readonly otherCause: CauseText },
	cause: string,
): CauseText {
	return (causes as Readonly<Record<string, CauseText>>)[cause] ?? otherCause;
}

// What may close a dialog or a drawer that holds what would be lost with it.
import { useEffectEvent, useLayoutEffect } from "react";

/**
 * - asking: anything closes it.
 * - working: its call is under way. Nothing closes it: what was typed would be lost if the call fails, and what it returns is shown nowhere else.
 * - once: it shows what is never shown again. Only a button closes it.
 */
export type Stage = "asking" | "working" | "once";

/** The properties of Mantine's Modal and Drawer. */
export function closingAt(stage: Stage) {
	return {
		withCloseButton: stage !== "working",
		closeOnEscape: stage === "asking",
		closeOnClickOutside: stage === "asking",
	};
}

/** The stage of a form whose call returns what is shown once. */
export function stageOfOnce({
	isPending,
	isSuccess,
}: {
	readonly isPending: boolean;
	readonly isSuccess: boolean;
}): Stage {
	if (isPending) return "working";
	return isSuccess ? "once" : "asking";
}

/** Tells the dialog at which stage the form in it is. */
export function useStage(stage: Stage, onStage: (stage: Stage) => void): void {
	const tell = useEffectEvent(onStage);
	// Before the form shows it, so that no key comes between.
	useLayoutEffect(() => {
		tell(stage);
		return () => tell("asking");
	}, [stage]);
}

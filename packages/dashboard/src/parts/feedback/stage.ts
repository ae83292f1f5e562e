// What may close a dialog or a drawer that holds what would be lost with it, and what leads away from it.
import { useBlocker } from "@tanstack/react-router";
import { useCallback, useEffect, useEffectEvent, useLayoutEffect, useRef } from "react";

/**
 * - asking: anything closes it.
 * - working: its call is under way. Nothing closes it: what was typed would be lost if the call fails, and what it returns is shown nowhere else.
 * - once: it shows what is never shown again. Only a button closes it.
 */
export type Stage = "asking" | "working" | "once";

/** What closes the dialog. */
export function closingAt(stage: Stage) {
	return {
		hasCloseButton: stage !== "working",
		closesOnEscape: stage === "asking",
		closesOnClick: stage === "asking",
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

interface Leaving {
	/** Whether somebody is on the way to another place, and is asked whether they mean it. */
	readonly isAsked: boolean;
	readonly leave: () => void;
	readonly stay: () => void;
}

/** Holds whoever leaves what is shown only once, or is about to be: by Back, a link, or by closing the tab, about which the browser asks. */
export function useLeaving(stage: Stage): Leaving {
	const isAtStake = stage !== "asking";
	const proceedRef = useRef<(() => void) | undefined>(undefined);
	const shouldBlock = useCallback(({ current, next }: Way) => {
		if (!isSamePlace(current, next)) return true;
		// Forward, while the question about Back is open: nobody leaves any more, so that one has no way to take back.
		proceedRef.current?.();
		return false;
	}, []);
	const { status, proceed, reset } = useBlocker({
		shouldBlockFn: shouldBlock,
		enableBeforeUnload: isAtStake,
		disabled: !isAtStake,
		withResolver: true,
	});
	useEffect(() => {
		proceedRef.current = proceed;
	}, [proceed]);
	// The call has failed meanwhile: nothing is lost by leaving, but there is something to read first.
	useEffect(() => {
		if (!isAtStake) reset?.();
	}, [isAtStake, reset]);
	return { isAsked: status === "blocked", leave: () => proceed?.(), stay: () => reset?.() };
}

interface Place {
	readonly pathname: string;
	readonly search: unknown;
}

interface Way {
	readonly current: Place;
	readonly next: Place;
}

function isSamePlace(one: Place, other: Place): boolean {
	return one.pathname === other.pathname && JSON.stringify(one.search) === JSON.stringify(other.search);
}

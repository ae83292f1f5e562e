// Asks before somebody leaves what is shown only once, or is about to be: by Back, a link, the palette, or by closing the tab.
import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { useCallback, useEffect, useRef } from "react";

import type { Stage } from "./stage.ts";

interface LeaveQuestionProps {
	readonly stage: Stage;
	/** What would be lost, such as `secret`. */
	readonly thing: string;
}

/**
 * To be placed beside a form whose call returns what is shown once. What leads away in the end, such as a button Done that changes the
 * address, navigates with `ignoreBlocker`.
 */
export function LeaveQuestion({ stage, thing }: LeaveQuestionProps) {
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
	return (
		<Modal opened={status === "blocked"} onClose={() => reset?.()} withCloseButton={false} centered>
			<div className="stack">
				{/* Not in a header of its own: the page would have two of them, with the one of the drawer below. */}
				<Modal.Title>{`Leave without the ${thing}?`}</Modal.Title>
				<p className="flat">
					{stage === "working"
						? `The ${thing} is being made. It will be shown here, this once: nobody can read it later.`
						: `The ${thing} is shown this once. Nobody can read it later: copy it before you leave.`}
				</p>
				<div className="bar end">
					<Button variant="default" onClick={() => proceed?.()}>
						Leave
					</Button>
					<Button data-autofocus onClick={() => reset?.()}>
						Stay
					</Button>
				</div>
			</div>
		</Modal>
	);
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

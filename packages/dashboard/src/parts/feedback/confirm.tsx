// A question before something that can't be taken back. The button says what will happen to how many of what.
import { Button, Group, Modal } from "@mantine/core";
import { useEffect, useRef, type ReactNode } from "react";

import { Problem } from "./problem.tsx";
import { useFocusBack } from "./use-focus-back.ts";

interface ConfirmProps {
	readonly isOpen: boolean;
	readonly title: string;
	/** Such as `Cancel 1,204 deliveries`. */
	readonly verb: string;
	readonly isDangerous?: boolean;
	readonly isBusy: boolean;
	/** Keeps the button from being pressed, for example until a name was typed. */
	readonly isBlocked?: boolean;
	readonly error?: unknown;
	/** Whether there are fields to fill in, which then keep the focus. */
	readonly hasFields?: boolean;
	readonly children: ReactNode;
	readonly onConfirm: () => void;
	readonly onClose: () => void;
}

export function Confirm(props: ConfirmProps) {
	const { isOpen, title, onClose } = props;
	useFocusBack(isOpen);
	return (
		<Modal opened={isOpen} onClose={onClose} title={title} centered>
			<Question {...props} />
		</Modal>
	);
}

/** It is there only while the dialog is. */
function Question(props: ConfirmProps) {
	const { verb, isDangerous = false, isBusy, isBlocked = false, hasFields = false, error, children } = props;
	const { onConfirm, onClose } = props;
	const body = useRef<HTMLDivElement>(null);
	const button = useRef<HTMLButtonElement>(null);
	const isReady = !isBlocked && !isDangerous;
	// The button can't take the focus while it is blocked, for example until something was counted. Until then no key reaches what is
	// beneath: an Enter that comes too early would follow a link there.
	useEffect(() => {
		if (hasFields) return;
		if (isReady) button.current?.focus();
		else body.current?.focus();
	}, [isReady, hasFields]);
	return (
		<div className="stack confirm" ref={body} tabIndex={-1}>
			<div>{children}</div>
			{error !== undefined && error !== null && <Problem error={error} />}
			<Group justify="flex-end">
				<Button variant="default" onClick={onClose}>
					Close
				</Button>
				{/* Enter agrees, unless that would do harm. */}
				<Button
					ref={button}
					{...(!isDangerous && !hasFields && { "data-autofocus": true })}
					color={isDangerous ? "red" : "brand"}
					loading={isBusy}
					disabled={isBlocked}
					onClick={onConfirm}
				>
					{verb}
				</Button>
			</Group>
		</div>
	);
}

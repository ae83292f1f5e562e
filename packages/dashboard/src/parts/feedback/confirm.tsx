// A question before something that can't be taken back. The button says what will happen to how many of what.
import { Button } from "@mantine/core";
import { useEffect, useRef, type FormEvent, type ReactNode } from "react";

import { Dialog } from "../layout/dialog.tsx";
import type { Doubt } from "./doubt.ts";
import { useWatchedCall } from "./late-failures.tsx";
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
	/**
	 * What is said in the corner if the call fails after the dialog was closed, such as `Billing was not deleted`. Absent if `onConfirm`
	 * makes no call that goes on without the dialog.
	 */
	readonly failed?: string;
	/** Of a call that makes something: what is said if it is not known whether it was done. */
	readonly doubt?: Doubt;
	/** Whether it is a form, in whose fields Enter agrees. The first one has the focus. */
	readonly hasFields?: boolean;
	readonly children: ReactNode;
	/** Returns the promise of the call, if it makes one. */
	readonly onConfirm: () => Promise<unknown> | void;
	readonly onClose: () => void;
}

export function Confirm(props: ConfirmProps) {
	const { isOpen, title, failed, doubt, onConfirm, onClose } = props;
	useFocusBack(isOpen);
	const make = useWatchedCall(isOpen);
	const confirm = () => {
		if (failed === undefined) void onConfirm();
		else make(failed, async () => onConfirm(), { doubt });
	};
	return (
		<Dialog isOpen={isOpen} onClose={onClose} title={title}>
			<Question {...props} onConfirm={confirm} />
		</Dialog>
	);
}

interface QuestionProps extends Omit<ConfirmProps, "onConfirm"> {
	readonly onConfirm: () => void;
}

/** It is there only while the dialog is. */
function Question(props: QuestionProps) {
	const {
		verb,
		isDangerous = false,
		isBusy,
		isBlocked = false,
		hasFields = false,
		error,
		failed,
		doubt,
		children,
	} = props;
	const { onConfirm, onClose } = props;
	const body = useRef<HTMLDivElement>(null);
	const button = useRef<HTMLButtonElement>(null);
	const isReady = !isBlocked && !isDangerous;
	// The button can't take the focus while it is blocked, for example until something was counted. Until then no key reaches what is
	// beneath: an Enter that comes too early would follow a link there.
	useEffect(() => {
		if (hasFields || isInField(body.current)) return;
		if (isReady) button.current?.focus();
		else body.current?.focus();
	}, [isReady, hasFields]);
	const submit = (event: FormEvent) => {
		event.preventDefault();
		if (!isBlocked && !isBusy) onConfirm();
	};
	const content = (
		<>
			<div>{children}</div>
			{error !== undefined && error !== null && <Problem error={error} doubt={doubt} />}
			<div>
				<div className="bar end">
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
						{...(hasFields ? { type: "submit" } : { onClick: onConfirm })}
					>
						{verb}
					</Button>
				</div>
				{isBusy && failed !== undefined && (
					<p className="flat dim slow" role="status">
						It goes on if you close this.
					</p>
				)}
			</div>
		</>
	);
	if (hasFields) {
		return (
			<form className="stack confirm" onSubmit={submit} noValidate>
				{content}
			</form>
		);
	}
	return (
		<div className="stack confirm" ref={body} tabIndex={-1}>
			{content}
		</div>
	);
}

/** Whether somebody types into a field of it, for example into that which unblocks the button. */
function isInField(body: HTMLElement | null): boolean {
	const { activeElement } = document;
	return body !== null && body.contains(activeElement) && activeElement?.matches("input, textarea") === true;
}

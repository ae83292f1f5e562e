// A question before something is done, in its place: the frame may be higher than what its reader sees, so a dialog could be out of sight.
import { useEffect, useEffectEvent, useRef, type ReactNode } from "react";

import { useTexts } from "../../texts/reader.tsx";
import { Button } from "./button.tsx";

interface AskProps {
	readonly children: ReactNode;
	/** What the button says that does it. */
	readonly action: string;
	readonly kind?: "primary" | "danger";
	/** Defaults to Cancel. */
	readonly cancel?: string;
	readonly isBusy: boolean;
	readonly onAgree: () => void;
	readonly onCancel: () => void;
}

export function Ask({ children, action, kind = "primary", cancel: cancelWord, isBusy, onAgree, onCancel }: AskProps) {
	const texts = useTexts();
	const box = useRef<HTMLDivElement>(null);
	const cancel = useEffectEvent(onCancel);
	useEffect(() => {
		const element = box.current;
		element?.focus();
		const onKey = ({ key }: KeyboardEvent) => {
			if (key === "Escape") cancel();
		};
		element?.addEventListener("keydown", onKey);
		return () => element?.removeEventListener("keydown", onKey);
	}, []);
	return (
		<div className="ask" ref={box} tabIndex={-1} role="group" aria-label={action}>
			<div>{children}</div>
			<div className="bar">
				<Button kind={kind} isBusy={isBusy} onClick={onAgree}>
					{action}
				</Button>
				<Button onClick={onCancel}>{cancelWord ?? texts.cancel}</Button>
			</div>
		</div>
	);
}

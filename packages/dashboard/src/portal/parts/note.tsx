// Something that the customer should know: good news, a warning, or a failure.
import type { ReactNode } from "react";

import { Icon } from "../../parts/layout/icon.tsx";

const ICONS = { good: "check", bad: "alert", warn: "alert", info: "help" } as const;

interface NoteProps {
	readonly tone: keyof typeof ICONS;
	readonly title?: ReactNode;
	readonly children?: ReactNode;
	/** Whether screen readers say it at once: `alert` for failures, `status` for news. */
	readonly role?: "alert" | "status";
}

export function Note({ tone, title, children, role }: NoteProps) {
	return (
		<div className={`note ${tone}`} role={role}>
			<Icon name={ICONS[tone]} />
			<div>
				{title !== undefined && <p className="strong">{title}</p>}
				{children}
			</div>
		</div>
	);
}

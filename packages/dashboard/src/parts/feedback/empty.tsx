// What a screen shows where there is nothing: why, and what to do next.
import type { ReactNode } from "react";

import { Icon, type IconName } from "../layout/icon.tsx";

interface EmptyProps {
	readonly icon: IconName;
	readonly title: string;
	readonly children: ReactNode;
	readonly actions?: ReactNode;
}

export function Empty({ icon, title, children, actions }: EmptyProps) {
	return (
		<div className="card empty">
			<span className="dim">
				<Icon name={icon} size={28} />
			</span>
			<h2 className="card-title">{title}</h2>
			<p>{children}</p>
			{actions !== undefined && <div className="bar">{actions}</div>}
		</div>
	);
}

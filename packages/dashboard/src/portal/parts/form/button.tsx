// Buttons, with a mark while their work goes on.
import type { ReactNode } from "react";

import { Icon, type IconName } from "../../../parts/layout/icon.tsx";

interface ButtonProps {
	readonly children: ReactNode;
	readonly kind?: "primary" | "default" | "danger" | "quiet";
	readonly icon?: IconName;
	readonly isBusy?: boolean;
	readonly isDisabled?: boolean;
	readonly isSubmit?: boolean;
	readonly isExpanded?: boolean;
	readonly onClick?: () => void;
}

export function Button(props: ButtonProps) {
	const {
		children,
		kind = "default",
		icon,
		isBusy = false,
		isDisabled = false,
		isSubmit = false,
		isExpanded,
		onClick,
	} = props;
	return (
		<button
			type={isSubmit ? "submit" : "button"}
			className={`button ${kind}`}
			aria-busy={isBusy || undefined}
			aria-expanded={isExpanded}
			// Not `disabled` while it works: the focus would be lost.
			aria-disabled={isBusy || isDisabled || undefined}
			onClick={(event) => {
				if (isBusy || isDisabled) return event.preventDefault();
				onClick?.();
			}}
		>
			{isBusy ? <span className="spinner" aria-hidden /> : icon !== undefined && <Icon name={icon} size={15} />}
			{children}
		</button>
	);
}

// The head of a screen: where it is, its title, and its actions. It also names the browser's tab.
import { useEffect, type ReactNode } from "react";

interface PageHeadProps {
	/** The text of the tab, and of the title unless `children` replace it. */
	readonly title: string;
	/** A link to the list that this belongs to. */
	readonly back?: ReactNode;
	readonly children?: ReactNode;
	readonly actions?: ReactNode;
}

export function PageHead({ title, back, children, actions }: PageHeadProps) {
	useEffect(() => {
		document.title = `${title} · Fanfare`;
	}, [title]);
	return (
		<header>
			{back !== undefined && <div className="back">{back}</div>}
			<div className="head">
				<h1 className="cut" tabIndex={-1}>
					{title}
				</h1>
				{children}
				{actions !== undefined && <div className="head-rest">{actions}</div>}
			</div>
		</header>
	);
}

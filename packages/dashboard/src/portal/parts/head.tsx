// The head of a screen: the way back, its title and its actions.
import { useEffect, type ReactNode } from "react";

import { useTexts } from "../texts/reader.tsx";

interface HeadProps {
	readonly title: string;
	readonly back?: ReactNode;
	readonly beside?: ReactNode;
	readonly actions?: ReactNode;
}

export function Head({ title, back, beside, actions }: HeadProps) {
	const texts = useTexts();
	useEffect(() => {
		document.title = title === texts.title ? title : `${title} · ${texts.title}`;
	}, [title, texts]);
	return (
		<header className="head">
			{back !== undefined && <p className="back">{back}</p>}
			<div className="head-row">
				<h1 tabIndex={-1}>{title}</h1>
				{beside}
				{actions !== undefined && <div className="head-actions">{actions}</div>}
			</div>
		</header>
	);
}

// What is shown instead of the portal: while it connects, without a session, after its end, and at addresses that lead nowhere.
import type { ReactNode } from "react";

import { Button } from "../../parts/form/button.tsx";
import { Head } from "../../parts/head.tsx";
import { To } from "../../parts/to.tsx";
import { useTexts } from "../../texts/reader.tsx";

interface EndedScreenProps {
	readonly kind: "waiting" | "none" | "opening" | "away" | "ended";
	readonly isFramed: boolean;
	/** Where the portal was opened from; null if that is not known. */
	readonly returnUrl: string | null;
	readonly onAgain: () => void;
}

export function EndedScreen({ kind, isFramed, returnUrl, onAgain }: EndedScreenProps) {
	const texts = useTexts();
	const { ended } = texts;
	if (kind === "waiting" || kind === "opening") {
		return (
			<p className="middle dim" role="status">
				<span className="spinner" aria-hidden /> {ended.waiting}
			</p>
		);
	}
	if (kind === "away") {
		return (
			<Middle title={ended.away}>
				<Button kind="primary" onClick={onAgain}>
					{ended.again}
				</Button>
			</Middle>
		);
	}
	return (
		<Middle title={kind === "ended" ? ended.title : ended.noLink}>
			<p>{kind === "none" ? ended.noLinkText : isFramed ? ended.inFrame : ended.byLink}</p>
			{returnUrl !== null && !isFramed && (
				<a className="button primary" href={returnUrl} rel="noreferrer">
					{texts.returnTo(new URL(returnUrl).host)}
				</a>
			)}
		</Middle>
	);
}

function Middle({ title, children }: { readonly title: string; readonly children: ReactNode }) {
	return (
		<main className="middle" role="alert">
			<h1>{title}</h1>
			{children}
		</main>
	);
}

/** For an address that leads nowhere, and for what does not exist or is somebody else's. */
export function MissingScreen() {
	const texts = useTexts();
	return (
		<div className="stack">
			<Head title={texts.ended.notFound} />
			<p className="flat">{texts.ended.notFoundText}</p>
			<p className="flat">
				<To to="/" className="link">
					{texts.back(texts.endpoints)}
				</To>
			</p>
		</div>
	);
}

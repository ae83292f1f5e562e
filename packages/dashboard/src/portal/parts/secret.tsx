// A new secret, shown this once, and the programs that verify signatures with it.
import { useState } from "react";

import { LANGUAGES, SECRET_VARIABLE, verificationCode, type Language } from "../../parts/code/verification.ts";
import { useTexts } from "../texts/reader.tsx";
import { CopyButton, TextBlock } from "./copy.tsx";

export function SecretOnce({ secret }: { readonly secret: string }) {
	const { secret: texts } = useTexts();
	return (
		<section className="stack tight" aria-label={texts.title}>
			<h2>{texts.title}</h2>
			<div className="secret" dir="ltr">
				<code>{secret}</code>
				<CopyButton text={secret} label={texts.title} />
			</div>
			<p className="dim flat">{texts.once}</p>
		</section>
	);
}

export function Verification() {
	const { secret: texts } = useTexts();
	const [language, setLanguage] = useState<Language>("TypeScript");
	return (
		<section className="stack tight" aria-label={texts.verify}>
			<h2>{texts.verify}</h2>
			<p className="dim flat">
				{texts.verifyText} {texts.reads(SECRET_VARIABLE)}
			</p>
			<div className="segments" role="group" aria-label={texts.language}>
				{LANGUAGES.map((one) => (
					<button key={one} type="button" aria-pressed={one === language} onClick={() => setLanguage(one)}>
						{one}
					</button>
				))}
			</div>
			<TextBlock hasLines text={verificationCode(language)} label={`${texts.verify}: ${language}`} />
		</section>
	);
}

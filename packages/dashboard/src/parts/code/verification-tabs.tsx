// The programs that verify signatures, one tab for each language.
import { SegmentedControl } from "@mantine/core";
import { useState } from "react";

import { CodeBlock } from "./code-block.tsx";
import { LANGUAGES, SECRET_VARIABLE, verificationCode, type Language } from "./verification.ts";

export function VerificationTabs() {
	const [language, setLanguage] = useState<Language>("TypeScript");
	return (
		<div className="stack tight">
			<div className="bar">
				<SegmentedControl
					size="xs"
					aria-label="Language"
					data={[...LANGUAGES]}
					value={language}
					onChange={(value) => setLanguage(LANGUAGES.find((one) => one === value) ?? "TypeScript")}
				/>
				<span className="dim">
					reads the secret from <span className="mono">{SECRET_VARIABLE}</span>
				</span>
			</div>
			<CodeBlock hasLines label={`Verification in ${language}`} text={verificationCode(language)} />
		</div>
	);
}

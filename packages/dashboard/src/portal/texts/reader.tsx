// What the reader reads: texts and formats of their language, for every part of the portal.
import { createContext, use } from "react";

import { formatsFor, type Formats } from "./formats.ts";
import { ENGLISH, type Texts } from "./texts.ts";

export interface Reader {
	readonly texts: Texts;
	readonly formats: Formats;
}

const ReaderContext = createContext<Reader>({ texts: ENGLISH.texts, formats: formatsFor("en", undefined) });

export const ReaderProvider = ReaderContext;

export function useReader(): Reader {
	return use(ReaderContext);
}

export function useTexts(): Texts {
	return use(ReaderContext).texts;
}

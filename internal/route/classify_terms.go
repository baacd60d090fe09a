package route

// work is a sort of work, as the local classifier tells them apart. A task of the routing file stands for one by the words of its name.
type work uint8

const (
	classification work = iota
	extraction
	summary
	translation
	code
	analysis
	writing
	talk
	works // how many there are
	none  = works
)

// String is the word for people.
func (w work) String() string {
	return [...]string{"classification", "extraction", "summarization", "translation", "code", "analysis", "writing", "chat", "none"}[w]
}

// stems are how words begin that name a sort of work in a task's name.
var stems = [works][]string{
	classification: {"classif", "categor", "label", "tag", "triage", "intent", "sentiment", "moderat", "detect", "routing", "screen", "klassif"},
	extraction:     {"extract", "pars", "entit", "ner", "field", "ocr", "invoice", "scrap", "extrak"},
	summary:        {"summar", "tldr", "digest", "abstract", "condens", "recap", "zusammenf", "resum"},
	translation:    {"translat", "locali", "uebersetz", "übersetz", "tradu"},
	code:           {"cod", "program", "dev", "sql", "debug", "refactor", "script", "engineer"},
	analysis:       {"analy", "reason", "complex", "research", "deep", "math", "plan", "strateg", "think", "decision", "evaluat"},
	writing:        {"writ", "copy", "content", "draft", "creativ", "email", "blog", "marketing", "compos", "generation"},
	talk:           {"chat", "general", "qa", "question", "answer", "assist", "support", "conversa", "simple", "talk", "faq"},
}

// feature is what the classifier counts. Those up to wordsEnd are counted by terms in the text.
type feature uint8

const (
	saysClassify feature = iota
	saysChoices
	saysExtract
	saysSummarize
	saysTranslate
	saysLanguage
	saysCode
	looksLikeCode
	saysAnalyse
	saysMath
	saysWrite
	asks
	greets
	wordsEnd

	fences // blocks of code
	demandsJSON
	demandsChoice // a schema with a list to choose from
	short         // under 200 bytes
	long          // over 2,000 bytes
	documents
	turns // more than three messages
	features
)

func (f feature) String() string {
	return [...]string{
		"says_classify", "says_choices", "says_extract", "says_summarize", "says_translate", "says_language", "says_code", "looks_like_code",
		"says_analyse", "says_math", "says_write", "asks", "greets", "", "code_fences", "demands_json", "demands_choice", "short", "long",
		"documents", "turns",
	}[f]
}

// weights say how much a feature speaks for a sort of work. It is one linear table, so that every decision can be read off it.
var weights = [features][works]float64{
	saysClassify:  {classification: 2.5},
	saysChoices:   {classification: 1.2},
	saysExtract:   {extraction: 2.5},
	saysSummarize: {summary: 2.5},
	saysTranslate: {translation: 2.6},
	saysLanguage:  {translation: 0.7},
	saysCode:      {code: 1.6},
	looksLikeCode: {code: 0.9},
	saysAnalyse:   {analysis: 1.9},
	saysMath:      {analysis: 1.9},
	saysWrite:     {writing: 2.0},
	asks:          {talk: 1.3},
	greets:        {talk: 2.2},
	fences:        {code: 1.2},
	demandsJSON:   {extraction: 1.6, classification: 0.6},
	demandsChoice: {classification: 2.0},
	short:         {talk: 0.6},
	long:          {summary: 0.3, analysis: 0.3, extraction: 0.3},
	documents:     {summary: 0.5, extraction: 0.5, analysis: 0.5},
	turns:         {talk: 0.5},
}

// terms are how words and phrases begin that speak for a feature, in English, German, French and Spanish, in lower case. A bar at the
// end stands for the end of the word.
var terms = [wordsEnd][]string{
	saysClassify: {
		"classif", "categoriz", "categoris", "label this", "label the", "label each", "assign a category", "assign one", "which category",
		"what category", "sentiment", "is this spam", "spam or", "positive or negative", "positive, negative", "detect the intent", "what intent",
		"intent of", "triage", "prioriti", "toxic", "tag this", "tag the", "flag whether", "decide whether",
		"klassifizier", "kategorisier", "ordne", "einordn", "welche kategorie", "stimmung", "positiv oder negativ", "ist das spam",
		"classe ", "classez", "catégoris", "catégorie", "quelle catégorie", "positif ou négatif",
		"clasific", "clasifica", "categoriza", "categoría", "etiqueta", "positivo o negativo",
	},
	saysChoices: {
		"one of:", "one of the following", "choose from", "choose one", "pick one", "yes or no", "true or false", "answer only with", "respond only with",
		"reply with only", "options:", "categories:", "labels:", "answer with one", "eine der folgenden", "antworte nur mit", "kategorien:", "ja oder nein",
		"l'une des", "réponds uniquement", "catégories :", "oui ou non", "una de las", "responde solo", "categorías:", "sí o no",
	},
	saysExtract: {
		"extract", "pull out", "pull the", "list all the", "list every", "find all", "find every", "identify all", "named entit", "entities", "fill in the fields", "return the fields",
		"parse the", "parse this", "get the names", "as json", "in json", "into json", "to json", "key-value",
		"extrahier", "finde alle", "liste alle", "entnimm", "lies die", "lies aus", "als json",
		"extrais", "extraire", "extrayez", "trouve tous", "relève", "en json", "extrae", "extraer", "encuentra todos", "lista todos",
	},
	saysSummarize: {
		"summar", "tl;dr", "tldr", "key points", "main points", "key takeaways", "takeaways", "shorten", "condense", "in brief", "boil down", "recap",
		"in one sentence", "in two sentences", "in three sentences", "executive summary", "gist",
		"zusammenfass", "fasse", "fass ", "kurzfassung", "kernaussagen", "wichtigsten punkte", "kürze",
		"résum", "points clés", "synthétis", "en une phrase", "resum", "puntos clave", "sintetiza", "en una frase",
	},
	saysTranslate: {"translat", "übersetz", "tradu", "how do you say", "wie sagt man", "comment dit-on", "cómo se dice", "localize", "localise"},
	saysLanguage: {
		"to german", "into german", "in german", "to french", "into french", "in french", "to spanish", "into spanish", "in spanish", "to english", "into english", "to japanese",
		"into japanese", "to italian", "into italian", "to chinese", "into chinese", "to portuguese", "into portuguese", "to dutch",
		"ins deutsche", "ins englische", "auf englisch", "auf deutsch", "ins französische", "ins spanische", "auf französisch",
		"en anglais", "en allemand", "en français", "en espagnol", "al inglés", "al español", "al alemán", "al francés",
	},
	saysCode: {
		"code|", "codebase", "function|", "functions|", "script|", "bug|", "bugs|", "debug", "refactor", "unit test", "tests for", "regex", "regular expression", "sql|", "python", "javascript",
		"typescript", "golang", "in go|", "rust|", "java|", "c++", "c#", "kotlin", "swift|", "bash|", "shell script", "stack trace", "traceback", "compile", "segfault", "null pointer",
		"exception|", "endpoint", "api client", "implement", "algorithm", "dockerfile", "kubernetes", "yaml|", "html|", "css|", "react", "django", "node.js", "pull request",
		"commit|", "query that", "class that", "method|", "npm|", "git|", "cli|", "linked list", "binary search", "recursion", "program that", "snippet",
		"funktion", "skript", "programmi", "quelltext", "fehlermeldung", "schreibe code", "fonction", "programme", "función", "código", "programa que", "requête sql", "consulta sql",
	},
	looksLikeCode: {
		"def ", "func ", "return ", "import ", "#include", "public ", "const ", "let ", "var ", "select ", "from ", "insert into", "console.", "print(", "printf", "if (", "for (", "while (",
		"=>", "self.", "null|", "nil|", "async ", "await ", "struct ", "void ", "int ", "elif ", "else:", "try:", "except ", "end;",
	},
	saysAnalyse: {
		"analy", "compare", "comparison", "evaluate", "assess", "trade-off", "tradeoff", "pros and cons", "strateg", "root cause", "implication", "recommend", "critique", "critically",
		"in depth", "in-depth", "reason about", "reason through", "consider the", "weigh", "forecast", "what would happen if", "business case", "risks", "think carefully", "argue",
		"due diligence", "architecture", "design a system", "plan for", "advantages and disadvantages", "explain why", "investigate", "hypothes", "scenario", "review the contract", "long-term",
		"analysier", "vergleich", "bewerte", "beurteil", "vor- und nachteile", "ursache", "auswirkung", "empfehl", "strategie", "abwäg",
		"analyse", "évalue", "avantages et inconvénients", "conséquences", "recommand", "stratégie", "analiz", "evalúa", "evalua", "ventajas y desventajas", "consecuencias", "recomienda", "estrategia", //nolint:misspell // French
	},
	saysMath: {
		"prove", "proof", "theorem", "integral", "derivative", "equation", "solve for", "solve the", "probability", "step by step", "step-by-step", "calculate", "how many ways", "eigenvalue", "matrix",
		"polynomial", "triangle", "prime number", "expected value", "optimi", "minimiz", "maximiz", "puzzle", "riddle", "logic problem", "at what time", "how long will it take",
		"beweis", "berechne", "schritt für schritt", "gleichung", "wahrscheinlichkeit", "démontre", "calcule", "étape par étape", "équation", "probabilité",
		"demuestra", "calcula", "paso a paso", "ecuación", "probabilidad",
	},
	saysWrite: {
		"write a", "write an", "write me", "draft", "compose", "blog post", "an email", "a poem", "a story", "short story", "slogan", "tagline", "rewrite", "rephrase", "paraphrase", "proofread",
		"product description", "cover letter", "press release", "newsletter", "tweet", "linkedin post", "haiku", "speech for", "make this sound", "polish", "headline", "essay",
		"schreib", "verfass", "entwirf", "formulier", "gedicht", "rédige", "écris", "rédiger", "poème", "escribe", "redacta", "poema", "reformul",
	},
	asks: {
		"what is", "what's", "what are", "who is", "who was", "when is", "when did", "where is", "where can", "how do i", "how can i", "how does", "how old", "how far", "can you", "could you", "do you", "is it", "are there", "tell me",
		"which is", "was ist", "wer ist", "wo ist", "wann ist", "wie kann", "kannst du", "qu'est-ce", "qui est", "où est", "quand", "comment puis", "peux-tu", "qué es", "quién es", "dónde", "cuándo", "cómo puedo", "puedes", "what time", "why is the",
	},
	greets: {
		"hello|", "hi|", "hey|", "good morning", "good evening", "thanks|", "thank you", "how are you", "hallo|", "guten tag", "guten morgen", "danke|", "wie geht", "bonjour|", "salut|", "merci|", "ça va",
		"hola|", "buenos días", "gracias|", "qué tal",
	},
}

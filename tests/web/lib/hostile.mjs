// Answers that are made to keep a page busy.

const SIZE = 200_000;

const filled = (text, size = SIZE) => text.repeat(Math.ceil(size / text.length)).slice(0, size);

function growing(line, size = SIZE) {
  let text = '';
  for (let depth = 0; text.length < size; depth++) text += line(depth);
  return text;
}

export const HOSTILE = {
  '6,000 ">"': () => '>'.repeat(6000),
  '">" without end': () => filled('>'),
  'lines of 6,000 "> "': () => filled(`${'> '.repeat(6000)}a\n`),
  'a nested list of 642 KB': () => growing(depth => `${'  '.repeat(depth)}- item\n`, 642_000),
  'a nested ordered list': () => growing(depth => `${'   '.repeat(depth)}1. item\n`),
  'lists and quotes in one another': () => filled('- > '),
  'emphasis in emphasis': () => filled('*a **a ') + filled('a* a** '),
  'stars': () => filled('*'),
  'underscores that open': () => filled('_a '),
  'brackets that open': () => filled('['),
  'pictures in pictures': () => filled('![[]()'),
  'links that do not end': () => filled('[a]('),
  'links in emphasis': () => filled('[*a'),
  'backticks of all lengths': () => growing(depth => `e${'`'.repeat(depth)}`),
  'a table of 10,000 columns': () => `${'|a'.repeat(10_000)}|\n${'|-'.repeat(10_000)}|\n${'|\n'.repeat(10_000)}`,
  'a table of 50 columns with empty rows': () => `${'|a'.repeat(50)}|\n${'|-'.repeat(50)}|\n${filled('|\n')}`,
  'a table of short rows': () => `|a|b|\n|-|-|\n${filled('|\n')}`,
  'definitions': () => growing(number => `[a${number}]: b\n`),
  'names of what is defined at the end': () => `${filled('[x]\n\n')}[x]: https://a.example\n`,
  'addresses': () => filled('http://'),
  'comments that do not end': () => filled('<!--'),
  'HTML in HTML': () => filled('<b>') + filled('</i>'),
  'CDATA': () => filled('<![CDATA['),
  'headings': () => filled('a\n=\n'),
  'code in code': () => filled('```\n'),
  'one line of words': () => filled('word '),
  'one word': () => filled('x'),
  'one word of emoji': () => filled('😀'),
  'combining signs': () => `a${filled('\u0301')}`,
  'emoji joined to emoji': () => filled('👩\u200d'),
  'conjuncts': () => filled('\u0915\u094d'),
  'jamo': () => filled('\u1112\u1161\u11ab\u11ab'),
  'signs of another direction': () => filled('\u202e\u2067a'),
  'empty lines': () => filled('a\n\n'),
  'spaces': () => `a${filled(' ')}b`,
  'a list of many items': () => filled('- item\n'),
  'code': () => `\`\`\`js\n${filled('let x = 1;\n')}`,
  'JSON': () => '{"a":'.repeat(SIZE / 5),
};

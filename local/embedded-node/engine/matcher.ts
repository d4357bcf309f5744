/** The words of a query that count as matches in a document, for highlighting and cropping. */
export interface Matcher {
  /** Words that match exactly or by typo. */
  readonly words: ReadonlySet<string>;
}

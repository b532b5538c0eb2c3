/** What bundlers for browsers put in the place of Dawn (`imports` in package.json): there is `navigator.gpu`. */
export {}

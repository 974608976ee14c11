// Before the first paint: the theme the operator chose, if they chose one.
// Without a choice the style sheet follows the system.
const chosen = document.cookie.match(/(?:^|; )postern-theme=(light|dark)(?:;|$)/);
if (chosen) document.documentElement.dataset.theme = chosen[1];

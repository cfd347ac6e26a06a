%% @doc Text tables: columns as wide as their widest cell, numbers to the right, names to the left.
-module(drey_table).

-export([summary/1, format/2, cell/2]).

-type align() :: left | right.

-define(COLUMNS, [{name, "", left}, {mean, "mean", right}, {sd, "sd", right}, {mcse, "mcse", right},
                  {q5, "5%", right}, {median, "50%", right}, {q95, "95%", right}, {rhat, "rhat", right},
                  {ess_bulk, "ess_bulk", right}, {ess_tail, "ess_tail", right}]).

%% @doc The summary rows of a result, one line each, with a header.
-spec summary([drey:row()]) -> unicode:chardata().
summary(Rows) ->
    Digits = digits(Rows),
    format([{Title, Align} || {_, Title, Align} <- ?COLUMNS],
           [[summary_cell(Key, maps:get(Key, Row, undefined), Digits) || {Key, _, _} <- ?COLUMNS]
            || Row <- Rows]).

%% @doc A header, a rule, and a line for each row; two spaces between columns.
-spec format([{unicode:chardata(), align()}], [[unicode:chardata()]]) -> unicode:chardata().
format(Header, Rows) ->
    Titles = [Title || {Title, _} <- Header],
    Widths = [lists:max([string:length(C) || C <- Column]) || Column <- transpose([Titles | Rows])],
    Columns = lists:zip(Widths, [Align || {_, Align} <- Header]),
    Rule = [lists:duplicate(lists:sum(Widths) + 2 * (length(Widths) - 1), $-), $\n],
    [line(Columns, Titles), Rule, [line(Columns, Row) || Row <- Rows]].

%% @doc A number with so many decimals; with three significant digits where it would be too long or vanish;
%% anything else as it is.
-spec cell(term(), non_neg_integer()) -> unicode:chardata().
cell(X, _) when is_integer(X) -> integer_to_list(X);
cell(X, Digits) when is_float(X) ->
    Magnitude = abs(X),
    Smallest = 0.5 * math:pow(10, -Digits),
    if
        Magnitude >= 1.0e7 -> scientific(X);
        X /= 0, Magnitude < Smallest -> scientific(X);
        true -> minus_zero(float_to_list(X, [{decimals, Digits}]))
    end;
cell(X, _) when is_atom(X) -> atom_to_list(X);
cell(X, _) when is_binary(X); is_list(X) -> X;
cell(X, _) -> io_lib:format("~0tp", [X]).

summary_cell(name, Name, _) -> Name;
summary_cell(rhat, X, _) -> cell(X, 3);
summary_cell(Key, X, _) when Key =:= ess_bulk; Key =:= ess_tail -> cell(X, 0);
summary_cell(mcse, X, Digits) -> cell(X, Digits + 1);
summary_cell(_, X, Digits) -> cell(X, Digits).

%% As many decimals as the narrowest quantity needs to show two digits of its sd: at least 2, at most 5.
digits(Rows) ->
    case [Sd || #{sd := Sd} <- Rows, is_float(Sd), Sd > 0] of
        [] -> 2;
        Sds -> min(5, max(2, 1 - floor(math:log10(lists:min(Sds)))))
    end.

scientific(X) -> io_lib:format("~.3g", [X]).

minus_zero("-0" ++ Rest = Text) ->
    case lists:all(fun(C) -> C =:= $0 orelse C =:= $. end, Rest) of
        true -> "0" ++ Rest;
        false -> Text
    end;
minus_zero(Text) -> Text.

line(Columns, Cells) ->
    Padded = [pad(Cell, Width, Align) || {{Width, Align}, Cell} <- lists:zip(Columns, Cells)],
    [string:trim(lists:join("  ", Padded), trailing), $\n].

pad(Cell, Width, left) -> string:pad(Cell, Width, trailing);
pad(Cell, Width, right) -> string:pad(Cell, Width, leading).

transpose([[] | _]) -> [];
transpose(Rows) -> [[hd(R) || R <- Rows] | transpose([tl(R) || R <- Rows])].

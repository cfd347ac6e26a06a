%% @doc Where the built programs are: the folder priv of the application, also when it is run from a source
%% tree that is on the code path under another name.
-module(drey_priv).

-export([dir/0, file/1]).

-spec dir() -> file:filename().
dir() ->
    case code:priv_dir(drey) of
        {error, bad_name} ->
            Ebin = filename:dirname(filename:absname(code:which(?MODULE))),
            filename:join(filename:dirname(Ebin), "priv");
        Dir ->
            Dir
    end.

-spec file(file:name_all()) -> file:filename_all().
file(Name) ->
    filename:join(dir(), Name).

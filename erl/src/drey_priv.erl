%% @doc Where the built programs are: the folder priv of the application, also when it is run from a source
%% tree that is on the code path under another name.
-module(drey_priv).

-export([dir/0, file/1]).

%% Beside the folder this module was loaded from: code:priv_dir/1 goes by folder names, and takes any that begins
%% with "drey-" for this application.
-spec dir() -> file:filename().
dir() ->
    case code:which(?MODULE) of
        Beam when is_list(Beam) ->
            filename:join(filename:dirname(filename:dirname(filename:absname(Beam))), "priv");
        _ ->  % preloaded or cover-compiled
            case code:priv_dir(drey) of
                {error, bad_name} -> "priv";
                Dir -> Dir
            end
    end.

-spec file(file:name_all()) -> file:filename_all().
file(Name) ->
    filename:join(dir(), Name).

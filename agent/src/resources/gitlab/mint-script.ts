/**
 * The one thing that Fettle runs inside GitLab. Constant: what differs comes from a JSON file, and the token goes to a
 * pipe, so that neither a terminal nor a command line ever shows it. Arguments: the file, the pipe.
 */
export const MINT_SCRIPT = `# fettle: mint-token v1
require "json"
require "timeout"
params_file, pipe_path = ARGV
params = JSON.parse(File.read(params_file))
raise "#{pipe_path} is not a pipe" unless File.pipe?(pipe_path)
user = User.find_by_username(params.fetch("actor")) || raise(ActiveRecord::RecordNotFound, "Couldn't find User")
# The pipe first: a token is made only when somebody is there to take it.
pipe = Timeout.timeout(30) { File.open(pipe_path, File::WRONLY) }
begin
  token = user.personal_access_tokens.create!(
    name: params.fetch("name"), scopes: params.fetch("scopes"), expires_at: Date.iso8601(params.fetch("expiresAt")))
  pipe.write(JSON.generate(id: token.id, token: token.token, expiresAt: token.expires_at.iso8601))
ensure
  pipe.close
end
`;
